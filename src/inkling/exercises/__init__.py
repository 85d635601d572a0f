"""Exercises with a checker: write a neuron, softmax, Adam, a convolution's way back, and be told kindly what is off.

An exercise (exercise.py) is a function to write, inputs to try it on, and known mistakes; they stand in chapters/, in
the order of the book (book.py). A learner's file is read (solution.py) and run in a process of its own (apart.py,
child.py); what came of each call (outcome.py, seen.py) is judged by its numbers alone (judge.py and evidence.py, with
what numbers.py, shapes.py and complaints.py can read from them). This room stands beside `inkling.interop`, and looks
down on `inkling.nn` for what is right.
"""

from inkling.exercises.answers import answer
from inkling.exercises.apart import try_out
from inkling.exercises.book import EXERCISES, exercise_named, exercise_names
from inkling.exercises.exercise import CHAPTERS, Case, Exercise, Mistake
from inkling.exercises.judge import judge
from inkling.exercises.solution import Solution, read_solutions
from inkling.exercises.verdict import Finding, Verdict

__all__ = [
    "CHAPTERS",
    "EXERCISES",
    "Case",
    "Exercise",
    "Finding",
    "Mistake",
    "Solution",
    "Verdict",
    "answer",
    "exercise_named",
    "exercise_names",
    "judge",
    "read_solutions",
    "try_out",
]
