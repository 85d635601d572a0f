"""Judging a solution: which inputs it got right, and what the wrong answers look like.

The judge knows only what came of each call (`Outcome`), never the code. It asks, in this order: did it run at all?
Do all the numbers belong to one of the exercise's known mistakes, to one of them scaled, or, array by array, to
several? Is it the right kind of thing, in number and in shape? And what can be read from any numbers (numbers.py)?
The first good answer is told, with the smallest input on which it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inkling.exercises import complaints, wording
from inkling.exercises.clues import Clue
from inkling.exercises.comparing import agrees, alike, part
from inkling.exercises.evidence import Evidence, of_mistake
from inkling.exercises.exercise import Exercise
from inkling.exercises.numbers import factor, read
from inkling.exercises.outcome import Outcome
from inkling.exercises.seen import Seen
from inkling.exercises.verdict import Finding, Verdict


def judge(exercise: Exercise, outcomes: Sequence[Outcome]) -> Verdict:
    """Judge what came of the exercise's cases, in their order; the last outcome may be where it all ended."""
    return Hearing(exercise, outcomes).verdict()


class Hearing(Evidence):
    """What to say about it."""

    def verdict(self) -> Verdict:
        """The first explanation that fits."""
        total = len(self.cases)
        if len(self.good) == total and all(self.good):
            return Verdict("right", total, total, remarks=tuple(self.remarks()))
        findings = self.findings()
        not_written = len(findings) == 1 and findings[0].kind == "not-written"
        return Verdict("not written" if not_written else "not yet", sum(self.good), total, tuple(findings))

    def findings(self) -> list[Finding]:
        """What is off; never empty."""
        if mistake := self.known():
            return [self.finding(of_mistake(mistake), self.bad())]
        if stopped := self.stopped():
            return [stopped]
        if structure := self.structure():
            return [structure]
        found = self.by_part()
        if not found:  # the numbers are right, so something else was changed
            at = self.smallest([i for i, outcome in enumerate(self.outcomes) if outcome.changed])
            changed = self.outcomes[at].changed
            found = [self.finding(complaints.changed(changed), [at], numbers=False)]
        return found

    def stopped(self) -> Finding | None:
        """What was raised, and where."""
        at = next((i for i, outcome in enumerate(self.outcomes) if outcome.raised), None)
        if at is None:
            return None
        raised = self.outcomes[at].raised
        assert raised is not None
        clue = complaints.raised(raised)
        if clue.kind == "not-written":
            return Finding(clue.kind, clue.looks_like, clue.question)
        finding = self.finding(clue, [at], numbers=False)
        came = f"{raised.type}: {raised.message}".removesuffix(": ") if raised.type[:1].isupper() else ""
        if raised.loading:
            finding = replace(finding, asked=(), call="", scope="")
        scope = finding.scope if any(self.good) else ""
        return replace(finding, came=came, line=raised.line, text=raised.text, scope=scope)

    def structure(self) -> Finding | None:
        """An answer that is not the kind of thing that was asked."""
        names = list(self.exercise.returns)
        for i, (outcome, want) in enumerate(zip(self.outcomes, self.wanted, strict=False)):
            assert outcome.seen is not None
            clue = complaints.structure(outcome.seen, want, names)
            if clue is None and len(names) > 1:
                parts = zip(outcome.seen.items, want.items, names, strict=True)
                clue = next(filter(None, (complaints.structure(g, w, [name], name) for g, w, name in parts)), None)
            if clue is not None:
                return self.finding(clue, [i])
        if len(names) > 1 and (order := self.order(names)):
            return self.finding(complaints.order(order), self.bad())
        return None

    def order(self, names: Sequence[str]) -> list[str] | None:
        """The order in which the right arrays came, if it is another one than was asked."""
        order: list[str] = []
        for i in range(len(names)):
            fits = [
                name
                for j, name in enumerate(names)
                if name not in order
                and all(agrees(part(o.seen, i), part(w, j)) for o, w in zip(self.outcomes, self.wanted, strict=True))
            ]
            if not fits:
                return None
            order.append(names[i] if names[i] in fits else fits[0])
        return order if order != list(names) else None

    def by_part(self) -> list[Finding]:
        """What is off with each of the arrays; the same mistake in several of them is told once."""
        names = list(self.exercise.returns)
        found: list[Finding] = []
        for number in range(len(names)):
            place = number if len(names) > 1 else None
            bad = [
                i
                for i, (outcome, want) in enumerate(zip(self.outcomes, self.wanted, strict=True))
                if not agrees(part(outcome.seen, place), part(want, place))
            ]
            if not bad:
                continue
            clue = self.clue(place, bad)
            twin = next((each for each in found if each.kind == clue.kind not in ("unknown", "shape")), None)
            if twin is None:
                found.append(self.finding(clue, bad, place))
            else:
                more = replace(twin, looks_like=f"{twin.looks_like} ({names[number]} likewise.)")
                found[found.index(twin)] = more
        return found[:3]

    def clue(self, place: int | None, bad: list[int]) -> Clue:
        """What is off with one of the arrays, or with the only one."""
        for mistake in self.exercise.mistakes if place is not None else ():
            both = zip(self.outcomes, self.answers(mistake), strict=True)
            if all(o.seen and t.seen and alike(part(o.seen, place), part(t.seen, place)) for o, t in both):
                return of_mistake(mistake)
        first = part(self.wanted[0], place)
        if first.kind == "list":
            got = [part(outcome.seen, place) for outcome in self.outcomes]
            order = sorted(bad, key=lambda i: (self.cases[i].note != "the example", i))
            return complaints.lists([(i, got[i], part(self.wanted[i], place)) for i in order])
        pairs = self.pairs(place)
        return (
            factor(pairs)
            or self.known_and_scaled(place)
            or self.mostly_known(place)
            or read(pairs)
            or self.partly(bad)
            or complaints.unknown(pairs[self.smallest(bad)])
        )

    def partly(self, bad: list[int]) -> Clue | None:
        """Right on everything but inputs of one kind."""
        notes = {self.cases[i].note for i in bad}
        others = {case.note for i, case in enumerate(self.cases) if i not in bad}
        if len(notes) != 1 or notes & others or "" in notes or notes == {"the example"}:
            return None
        (note,) = notes
        return Clue(
            "special",
            f"It goes wrong only for {note}; everything else is right. You are nearly there.",
            "What is different about such an input? Follow it through your lines one by one.",
        )

    def finding(self, clue: Clue, bad: list[int], place: int | None = None, *, numbers: bool = True) -> Finding:
        """The clue, with the smallest input on which it shows."""
        sizes = [self.exercise.sizes(*case.args) for case in self.cases]
        if clue.size:
            bad = [i for i in bad if sizes[i][clue.size] > 1] or bad
        if numbers:
            bad = [i for i in bad if self.outcomes[i].seen] or bad
        at = self.smallest(bad) if clue.at is None else clue.at
        case = self.cases[at]
        looks_like = clue.looks_like.replace("{size}", str(sizes[at].get(clue.size, "")))
        names = list(self.exercise.returns)
        if place is None and numbers:
            place = self.first_wrong_part(at)
        expected = came = ""
        if numbers:
            expected, came = self.told(self.wanted[at], place), self.told(self.outcomes[at].seen, place)
        return Finding(
            clue.kind,
            looks_like,
            clue.question,
            "" if place is None else names[place],
            self.exercise.signature,
            tuple(wording.let(name, value) for name, value in zip(self.names, case.args, strict=True)),
            expected,
            came,
            case.note,
        )

    def first_wrong_part(self, at: int) -> int | None:
        """Which of several returned arrays is the first to be wrong; None if there is one only, or they can't be "
        "told.
        """
        count, seen = len(self.exercise.returns), self.outcomes[at].seen
        if count == 1 or seen is None or len(seen.items) != count:
            return None
        return next((i for i in range(count) if not agrees(part(seen, i), part(self.wanted[at], i))), None)

    def told(self, seen: Seen | None, place: int | None) -> str:
        """A value as it is shown; several returned arrays below each other, by name."""
        names, shown = list(self.exercise.returns), part(seen, place)
        if place is None and len(names) > 1 and len(shown.items) == len(names):
            return "\n".join(
                wording.beside(f"{name} = ", told(item)) for name, item in zip(names, shown.items, strict=True)
            )
        return told(shown)

    def remarks(self) -> list[str]:
        """What is no fault, and good to know."""
        names, found = list(self.exercise.returns), []
        for number, name in enumerate(names):
            place = number if len(names) > 1 else None
            for outcome, want in zip(self.outcomes, self.wanted, strict=True):
                got, right = part(outcome.seen, place), part(want, place)
                if got.kind == right.kind == "array" and (remark := complaints.dtype(got.dtype, right.dtype, name)):
                    found.append(remark)
                    break
        return found


def told(seen: Seen) -> str:
    """A value as it is shown."""
    if seen.kind == "nothing":
        return "None"
    if seen.kind in ("list", "tuple"):
        shown = seen.items[:12]
        inside = ", ".join(map(told, shown)) + (", …" if len(seen.items) > len(shown) else "")
        return wording.shortened(f"[{inside}]" if seen.kind == "list" else f"({inside})")
    if seen.array is None:
        return seen.text or f"an array of shape {seen.shape}"
    if not seen.array.ndim:
        return wording.number(float(seen.array))
    kinds = {"b": bool, "i": np.int64, "u": np.int64}
    whole = kinds.get(np.dtype(seen.dtype).kind) if seen.dtype else None
    fits = whole is not None and bool((np.abs(seen.array) < 2**63).all())  # they were kept as floats
    return wording.show(seen.array.astype(whole) if fits else seen.array)
