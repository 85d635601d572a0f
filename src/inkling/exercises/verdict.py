"""What the checker says in the end: right or not yet, and what is off, on which input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["right", "not yet", "not written"]


@dataclass(frozen=True)
class Finding:
    """One thing that is off, on one input: what was asked, what was expected and came, and what it looks like.

    `kind` is a word for it ("sign", "shape" …, or the name of a known mistake). `part` names the array of several that
    it is about. `scope` says on which inputs. `line` and `text` are the learner's own, where something was raised.
    """

    kind: str
    looks_like: str
    question: str
    part: str = ""
    call: str = ""
    asked: tuple[str, ...] = ()
    expected: str = ""
    came: str = ""
    scope: str = ""
    line: int | None = None
    text: str = ""


@dataclass(frozen=True)
class Verdict:
    """The whole answer about one solution. `right` of `total` inputs are; `remarks` are no fault."""

    status: Status
    right: int
    total: int
    findings: tuple[Finding, ...] = ()
    remarks: tuple[str, ...] = ()
