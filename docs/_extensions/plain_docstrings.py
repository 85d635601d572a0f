"""Docstrings as they are written in Inkling, plain text for people, as pages for Sphinx.

Nothing in them is markup but backticks. A name between these becomes code, and a link where the reference describes
it. `Shapes:`, `Source:` and `Raises …` begin a paragraph of their own, `argument: what it is` begins an item of a
list, and so does what stands below NumPy's underlined headings. All else is taken literally, asterisks and underscores
included. Of a class's methods those are shown that say something; what only fulfils a promise of the base class is
described there.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import inkling

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOMS = ("nn", "data", "errors", "storage", "training", "figures", "report", "recipes", "interop")
"""From below to above: a room knows those before it, as the imports do."""
REFERENCE = Path(__file__).parents[1] / "reference"
ROOM = 108  # letters in a line of a docstring, at least
LABEL = re.compile(r"(Shapes|Sources?): +")
RAISES = re.compile(r"[Rr]aises +(?=`?[A-Z])")
ITEM = re.compile(r"`?([a-z_]\w*)`?: +(?=\S)")
SENTENCE = re.compile(r"(?<=[.)”]) +(?=Raises `?[A-Z]|Sources?: )")
MARKUP = re.compile(r"([\\*_|`\[\]<>])")
CLASS = re.compile(r"(?<![`\w.])[A-Z][a-z]+[A-Z]\w+(?![`\w(])")
ARRAYS = re.compile(
    r"~?(?:numpy\.)?(?:ndarray|NDArray)\[(?:~?(?:typing\.)?Any|"
    r"~?(?:builtins\.)?tuple\[~?(?:typing\.)?Any, \.\.\.\], ~?(?:numpy\.)?dtype\[~?[\w.]+\])\]"
)


def described() -> dict[str, str]:
    """Every name that the reference describes, by the name that people use: "Dense" → "inkling.nn.Dense"."""
    found: dict[str, str] = {}
    for page in sorted(REFERENCE.glob("*.md")):
        module = ""
        for kind, name in re.findall(r"^ *\.\. (currentmodule|auto\w+):: +(\S+)$", page.read_text("utf-8"), re.M):
            if kind == "currentmodule":
                module = name
            else:
                found.setdefault(name, f"{module}.{name}")
    return found


KNOWN: dict[str, str] = {}


def role(name: str, owner: str) -> str | None:
    """The full name that a name in a docstring of `owner` means, if the reference describes it."""
    KNOWN.update(KNOWN or described())
    name = name.removeprefix("ik.").removesuffix("()")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*", name):
        return None
    of_class = member(name, owner)
    if of_class:
        return of_class
    first, *rest = name.removeprefix("inkling.").split(".")
    if first in inkling.ROOMS and rest:
        first, *rest = rest
    full = KNOWN.get(first)
    if full is None or len(rest) > 1 or full == owner:
        return None
    if rest:
        value = vars(look_up(full)).get(rest[0]) if inspect.isclass(look_up(full)) else None
        if not getattr(value, "__doc__", None) or rest[0].startswith("_") or not says_something(value):
            return None
    return ".".join([full, *rest])


def member(name: str, owner: str) -> str | None:
    """The method of the class itself, or of a base class, that a single word means within the class's docstrings."""
    for known in (owner, owner.rpartition(".")[0]):
        kind = look_up(known) if known in KNOWN.values() else None
        for base in getattr(kind, "__mro__", ()):
            if KNOWN.get(base.__name__) and name in vars(base) and says_something(vars(base)[name]):
                full = f"{KNOWN[base.__name__]}.{name}"
                return None if full == owner else full
    return None


def look_up(full: str) -> Any:
    """The object of this full name."""
    room, _, name = full.rpartition(".")
    return getattr(import_module(room), name)


def says_something(value: Any) -> bool:
    """Whether a member of a class has words of its own."""
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if isinstance(value, property):
        return bool(value.fget and value.fget.__doc__)
    return inspect.isfunction(value) and bool(value.__doc__)


# From a docstring to reStructuredText


def inline(text: str, owner: str) -> str:
    """One paragraph: what stands between backticks is code, or a link to it; the rest is what it is."""
    KNOWN.update(KNOWN or described())
    text = CLASS.sub(lambda name: f"`{name[0]}`" if name[0] in KNOWN else name[0], " ".join(text.split("\n")))
    pieces = re.split(r"(`[^`]+`)", text)
    said = "".join(code(piece[1:-1], owner) if piece.startswith("`") else escaped(piece) for piece in pieces)
    # A word glued to markup would undo it, and a beginning like "a." or "-" would make a list of the paragraph.
    return "\\ " + said


def escaped(text: str) -> str:
    """Text that means nothing to docutils."""
    return MARKUP.sub(r"\\\1", text)


def code(text: str, owner: str) -> str:
    """Code, as a link if the reference describes it."""
    full = role(text, owner)
    if full is None:
        return f"\\ ``{text}``\\ "
    return f"\\ :py:obj:`{text} <{full}>`\\ "


def raised(text: str) -> str:
    """A sentence on errors, with their names as code."""
    return re.sub(r"(?<![`\w])([A-Z]\w*(?:Error|Diverged|Warning|Interrupt))\b(?!`)", r"`\1`", text)


def split(lines: list[str]) -> list[list[str]]:
    """The blocks between empty lines."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line.rstrip())
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def paragraphs(block: list[str], names: set[str]) -> list[tuple[str, str]]:
    """A block as pairs of what begins a paragraph (a label, an argument's name, or nothing) and its text."""
    found: list[tuple[str, str]] = []
    before = ""
    for line in block:
        for part in parts(line, names):
            label, item = LABEL.match(part), ITEM.match(part)
            if label:
                found.append((label[1], part[label.end() :]))
            elif RAISES.match(part) and (not found or found[-1][1].endswith((".", ")"))):
                found.append(("Raises", RAISES.sub("", part, count=1)))
            elif item and item[1] in names:
                found.append((f"`{item[1]}`", part[item.end() :]))
            elif not found or broken_off(before, line, found[-1][0]):
                found.append(("", part))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]}\n{part.strip()}")
        before = line
    return found


def parts(line: str, names: set[str]) -> list[str]:
    """A line, divided where a label or the next argument begins within it."""
    argument = rf"(?<=\.) +(?=(?:{'|'.join(names) or '$'}): )"
    return [each for part in SENTENCE.split(line) for each in re.split(argument, part)]


def broken_off(before: str, line: str, label: str) -> bool:
    """Whether the author meant a new paragraph: the item of a list is over, or the line before had room for more."""
    if label.startswith("`"):
        return not line.startswith(" ") and before.endswith(".")
    return before.endswith((".", ":")) and len(before) + 1 + len(line.split()[0]) <= ROOM


def to_rest(lines: list[str], names: set[str], owner: str) -> list[str]:
    """The docstring's lines as reStructuredText. `names`: the arguments or fields that may have an item of a list."""
    rest: list[str] = []
    blocks = split(lines)
    numpy_section = False
    for block in blocks:
        if len(block) > 1 and re.fullmatch(r"-{3,}", block[1]):
            rest += [f".. rubric:: {block[0]}", ""]
            block = block[2:]
            numpy_section = rest[-2].endswith(("Parameters", "Attributes"))
        if block and block[0].startswith(">>>"):
            rest += [*block, ""]
        elif numpy_section and block and any(line.startswith(" ") or " : " in line for line in block):
            rest += definitions(block, owner)
        else:
            for label, text in paragraphs(block, names):
                if label.startswith("`"):
                    rest += [f"- **{label[1:-1]}** – {inline(text, owner)}", ""]
                elif label == "Raises":
                    rest += [f"**Raises** {inline(raised(text), owner)}", ""]
                elif label:
                    rest += [f"**{label}:** {inline(text, owner)}", ""]
                else:
                    rest += [inline(text, owner), ""]
    return rest


def definitions(block: list[str], owner: str) -> list[str]:
    """NumPy's `name : type` with what it means below it, as a list; several on a line are separated by semicolons."""
    rest: list[str] = []
    pending: list[str] = []

    def put_down() -> None:
        if pending:
            rest.extend([f"  {inline(chr(10).join(pending), owner)}", ""])
            pending.clear()

    for line in block:
        if line.startswith(" "):
            pending.append(line.strip())
            continue
        put_down()
        for each in line.split("; ") if line.count(" : ") > 1 else [line]:
            term, _, kind = each.partition(" : ")
            rest.append(f"- **{escaped(term)}** – {inline(kind, owner)}" if kind else f"- {inline(term, owner)}")
            rest.append("")
    put_down()
    return rest


# What Sphinx asks


def process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Sphinx has a docstring to show, and shows what it finds in `lines` afterwards."""
    if isinstance(obj, dict):
        lines[:] = [f"- ``{key!r}``: {inline(meaning(value), name)}" for key, value in obj.items()]
        return
    names: set[str] = set()
    if what in ("class", "exception", "function", "method"):
        names = set(getattr(obj, "__dataclass_fields__", ()))
        with contextlib.suppress(TypeError, ValueError):
            names |= set(inspect.signature(obj).parameters)
    lines[:] = to_rest(list(lines), names, name)
    if what == "class":
        bases = [
            f":py:obj:`{base.__name__} <{KNOWN[base.__name__]}>`" for base in obj.__bases__ if base.__name__ in KNOWN
        ]
        lines += [f"Based on {', '.join(bases)}.", ""] if bases else []


def meaning(value: Any) -> str:
    """What a name in a dictionary of names stands for: a class, or something that can say it."""
    return f"`{value.__name__}`" if inspect.isclass(value) else str(getattr(value, "words", value))


def sign(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Signatures in the words of the source, where somebody wrote them: `Array`, and not what it stands for."""
    KNOWN.update(KNOWN or described())
    function = inspect.unwrap(obj.__init__ if inspect.isclass(obj) else getattr(obj, "__func__", obj))
    try:
        (written,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (TypeError, OSError, ValueError, SyntaxError):
        written = None
    if not isinstance(written, ast.FunctionDef) or not function.__module__.startswith("inkling."):
        return tuple(ARRAYS.sub("Array", each) if each else each for each in (signature, returns))  # type: ignore[return-value]
    for node in ast.walk(written):
        # The room's own word for a kind of function may be what another room calls a class.
        if isinstance(node, ast.Name) and node.id in KNOWN and not inspect.isclass(meant(node.id, function)):
            node.id = "Callable"
    arguments = written.args
    if inspect.isclass(obj) or (what == "method" and not is_static(name)):
        (arguments.posonlyargs or arguments.args).pop(0)
    given = None if inspect.isclass(obj) or written.returns is None else ast.unparse(written.returns)
    return f"({ast.unparse(arguments)})".replace('"', "'"), given


def meant(name: str, function: Any) -> Any:
    """What a name in a signature stands for: where it is imported for types alone, the class of that name."""
    return function.__globals__.get(name, type)


def is_static(name: str) -> bool:
    """Whether the method of this full name takes no object."""
    owner, _, method = name.rpartition(".")
    return isinstance(vars(look_up(owner)).get(method), staticmethod)


def skip(app: Sphinx, what: str, name: str, obj: Any, skipped: bool, options: Any) -> bool | None:
    """A method without words of its own keeps a promise of its base class, and is described there."""
    if inspect.isroutine(obj) and not (obj.__doc__ and str(obj.__module__).startswith("inkling")):
        return True
    if isinstance(obj, property) and not (obj.fget and obj.fget.__doc__):
        return True
    return None


def elsewhere(app: Sphinx, env: BuildEnvironment, node: pending_xref, contents: nodes.TextElement) -> nodes.Node | None:
    """Types in signatures: a class of Inkling under its public name, any other as it is, without a link."""
    if node.get("refdomain") != "py" or node.get("reftype") not in ("class", "obj", "data", "exc"):
        return None
    KNOWN.update(KNOWN or described())
    target, here = node["reftarget"], str(node.get("py:module") or "inkling.interop")
    full = KNOWN.get(target.rpartition(".")[2])
    if full and full != target and ROOMS.index(full.split(".")[1]) <= ROOMS.index(here.split(".")[1]):
        domain = env.domains.python_domain
        return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, contents) or contents
    return contents if node.get("reftype") == "class" else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
