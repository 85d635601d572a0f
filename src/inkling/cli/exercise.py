"""`inkling exercise`: functions to write oneself, and a checker that says kindly what is off."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.terminal import plain, print_json, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.console import Console

    from inkling.exercises import Finding, Solution, Verdict
    from inkling.exercises.apart import Trial

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="An exercise's name, or its number in the list.")]
LINES = 20
"""Lines that a solution printed up to which they are shown."""
READABLE = 88
"""Columns up to which text is easy to read; wider screens are not filled."""


@app.callback()
def exercise() -> None:
    """Write it yourself: exercises from one neuron to Adam, and a checker.

    [bold]start[/bold] writes a file to begin with, [bold]check[/bold] tries your function on many
    inputs and says what the numbers look like where they are off.

    Examples:
      inkling exercise list

      inkling exercise start softmax

      inkling exercise check softmax.py

    """


@app.command("list")
def list_exercises(json: options.Json = False) -> None:
    """List the exercises by chapter, with those you have done ticked off."""
    from inkling.exercises import CHAPTERS, EXERCISES
    from inkling.exercises.progress import done

    ticked = done()
    rows: list[dict[str, Any]] = [
        {
            "number": number,
            "name": each.name,
            "chapter": each.chapter,
            "chapter_title": CHAPTERS[each.chapter - 1],
            "title": each.title,
            "done": each.name in ticked,
        }
        for number, each in enumerate(EXERCISES, 1)
    ]
    if json:
        print_json(rows)
        return
    out = results()
    out.print(chapters(rows), highlight=False)
    count = sum(row["done"] for row in rows)
    out.print(f"\n{count} of {len(rows)} done. Begin with: [bold]inkling exercise start NAME[/]", highlight=False)


def chapters(rows: Sequence[dict[str, Any]]) -> Any:
    """The list, a heading for each chapter."""
    from rich.text import Text

    width = max(len(row["name"]) for row in rows)
    lines, chapter = Text(), 0
    for row in rows:
        if row["chapter"] != chapter:
            chapter = row["chapter"]
            lines.append(("\n" if lines else "") + f"{chapter:>2}  {row['chapter_title']}\n", "bold")
        lines.append("  ✓ " if row["done"] else "    ", "green")
        lines.append(f"{row['number']:>2}  ", "dim")
        lines.append(f"{row['name']:<{width}}  ", "cyan")
        lines.append(f"{row['title']}\n")
    lines.rstrip()
    return lines


@app.command()
def show(name: Name, json: options.Json = False) -> None:
    """Show an exercise: what to write, the shapes, an example by hand, a hint."""
    from inkling.exercises import CHAPTERS, exercise_named

    chosen = exercise_named(name)
    if json:
        told = {"name": chosen.name, "chapter": chosen.chapter, "chapter_title": CHAPTERS[chosen.chapter - 1]}
        words = {"title": chosen.title, "signature": chosen.signature, "text": chosen.text()}
        names = {"arguments": dict(chosen.arguments), "returns": dict(chosen.returns)}
        print_json({**told, **words, **names})
        return
    out = results()
    title, _, text = chosen.text().partition("\n")
    out.print(f"[bold]{plain(title)}[/]", highlight=False, soft_wrap=True)
    out.print(text, highlight=False, markup=False, soft_wrap=True)
    out.print(f"\n[dim]inkling exercise start {chosen.name}[/]", highlight=False)


@app.command()
def start(
    name: Name,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.", show_default="NAME.py")
    ] = None,
) -> None:
    """Write a file to begin with; one that is there already is left alone."""
    from inkling.exercises import exercise_named
    from inkling.storage import write_text

    chosen = exercise_named(name)
    path = to or Path(f"{chosen.name}.py")
    if path.is_dir():
        path = path / f"{chosen.name}.py"
    if path.exists() or path.is_symlink():
        raise InklingError(f"{path} is there already, and stays as it is: --out names another file")
    write_text(path, chosen.starter())
    out = results()
    out.print(
        f"wrote [bold]{plain(path)}[/]: write {plain(chosen.signature)} in it, then", highlight=False, soft_wrap=True
    )
    out.print(f"  inkling exercise check {plain(path)}", highlight=False, soft_wrap=True)


@app.command()
def answer(name: Name) -> None:
    """Print a file that solves an exercise: for teachers, and for when an evening is gone.

    There is more than one right answer; [bold]check[/bold] takes them all.
    """
    from inkling.exercises import answer, exercise_named

    results().print(answer(exercise_named(name)), end="", highlight=False, markup=False, soft_wrap=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file with your function, or several.")],
    name: Annotated[
        str | None,
        typer.Option("--exercise", metavar="NAME", help="Check only this exercise.", show_default="all in the file"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Try your functions on many inputs, and say what is off.

    Which exercise a function is for is told by its name. It runs in a
    process of its own and has 10 seconds. Exit status 0: all right; 1: not yet.
    What is right is ticked off in the list; the ticks lie in Inkling's cache.
    """
    from inkling.exercises import judge, read_solutions, try_out
    from inkling.exercises.book import exercise_named
    from inkling.exercises.progress import remember

    solutions = read_solutions(file, name)
    told, right = [], set()
    shown_prints = ""
    for number, solution in enumerate(solutions):
        trial = try_out(solution.exercise, solution.file, solution.function)
        verdict = judge(exercise_named(solution.exercise), trial.outcomes)
        if verdict.status == "right":
            right.add(solution.exercise)
        told.append(as_json(solution, verdict, trial))
        if not json:
            out = results()
            if number:
                out.print()
            show_verdict(out, solution, verdict, trial)
            if trial.printed != shown_prints:
                show_prints(out, trial)
                shown_prints = trial.printed
    remember(right)
    if json:
        print_json({"file": str(file), "exercises": told})
    else:
        close(results(), solutions, right)
    if len(right) < len(solutions):
        raise typer.Exit(1)


def as_json(solution: Solution, verdict: Verdict, trial: Trial) -> dict[str, Any]:
    """All that is known about one function."""
    return {
        "exercise": solution.exercise,
        "function": solution.function,
        **asdict(verdict),
        "warnings": [{"line": line, "message": message} for line, message in trial.warnings],
        "printed": trial.printed,
        "more_printed": trial.more_printed,
    }


def show_verdict(out: Console, solution: Solution, verdict: Verdict, trial: Trial) -> None:
    """One function: right, or what is off."""
    width = min(out.width, READABLE)
    if verdict.status == "right":
        out.print(f"[green]✓[/] [bold]{solution.exercise}[/]  right on all {verdict.total} inputs", highlight=False)
    elif verdict.status == "not written":
        out.print(f"[yellow]·[/] [bold]{solution.exercise}[/]  still to be written", highlight=False)
    else:
        count = f"right on {verdict.right} of {verdict.total} inputs" if verdict.right else "not yet"
        out.print(f"[yellow]✗[/] [bold]{solution.exercise}[/]  {count}", highlight=False)
        for finding in verdict.findings:
            show_finding(out, finding, width)
    for remark in verdict.remarks:
        paragraph(out, f"By the way: {remark}", width)
    for line, message in trial.warnings if verdict.status != "right" else ():
        paragraph(out, f"NumPy warns, line {line}: {message}", width, "dim")


def show_finding(out: Console, finding: Finding, width: int) -> None:
    """What was asked, expected and came; what it looks like; a question."""
    from rich.text import Text

    rows = [("asked", "\n".join([finding.call, *finding.asked]))] if finding.call else []
    if finding.scope and finding.scope != "the example":
        rows.append(("which is", finding.scope))
    label = f" {finding.part}" if finding.part else ""
    rows += [(f"expected{label}", finding.expected)] if finding.expected else []
    if finding.came:
        rows.append((f"came{label}" if finding.expected else "stopped by", finding.came))
    if finding.line:
        rows.append((f"your line {finding.line}", finding.text))
    column = max((len(head) for head, _ in rows), default=0)
    out.print()
    for head, value in rows:
        first, *more = value.split("\n")
        # A line of numbers reads better cut off by the screen's edge than by a rule for words.
        for start, line in ((f"{head:<{column}}", first), *((" " * column, line) for line in more)):
            out.print(Text.assemble("  ", (start, "dim"), "  ", line), soft_wrap=True)
    out.print()
    paragraph(out, finding.looks_like, width)
    paragraph(out, f"→ {finding.question}", width, "cyan")


def paragraph(out: Console, words: str, width: int, style: str = "") -> None:
    """Text, a little to the right, in lines of a readable length."""
    from rich.text import Text

    more = "    " if words.startswith("→ ") else "  "
    for line in textwrap.wrap(words, width - 2, initial_indent="  ", subsequent_indent=more, break_on_hyphens=False):
        out.print(Text(line, style), soft_wrap=True)


def show_prints(out: Console, trial: Trial) -> None:
    """What the file printed, set apart from what we say."""
    from rich.text import Text

    if not trial.printed:
        return
    lines = visible(trial.printed).rstrip("\n").split("\n")
    out.print(Text("\n  your file printed:", "dim"))
    for line in lines[:LINES]:
        out.print(Text.assemble(("  │ ", "dim"), line[:200]), soft_wrap=True)
    if len(lines) > LINES or trial.more_printed:
        out.print(Text("  │ … and more", "dim"))


def visible(text: str) -> str:
    """The text without characters that would move the cursor or change the colours."""
    return "".join(c if c in "\n\t" or c.isprintable() else "�" for c in text.replace("\r\n", "\n"))


def close(out: Console, solutions: Sequence[Solution], right: set[str]) -> None:
    """A last line: what next, or how many are right."""
    from inkling.exercises import exercise_names
    from inkling.exercises.progress import done

    if len(solutions) > 1:
        out.print(f"\n{len(right)} of {len(solutions)} right", highlight=False)
    if len(right) < len(solutions):
        return
    names, ticked = list(exercise_names()), done() | right
    last = names.index(solutions[-1].exercise)
    coming = next((name for name in names[last + 1 :] + names[:last] if name not in ticked), None)
    if coming is None:
        out.print("\nThat was the last one. You have written all of it yourself.", highlight=False)
    else:
        out.print(f"\nnext: [bold]inkling exercise start {coming}[/]", highlight=False)
