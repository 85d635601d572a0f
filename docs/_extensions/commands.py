"""`{commands}`: every command of `inkling`, as it explains itself: what it takes, what it does, examples.

The page is made from the commands that the program has, so none can be missing. A link to a command is
[…](#inkling-train), to one of its options {option}`inkling train --epochs`. (sphinx-click does this for Click; Typer
carries a Click of its own inside, and its helps are written in Rich's markup.)
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import typer
from docutils import nodes
from rich.text import Text
from sphinx.util.docutils import SphinxDirective

from inkling.cli.app import app as program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

HIDDEN = {"--help", "--install-completion", "--show-completion"}


class Commands(SphinxDirective):
    """A section for each command: usage, help, arguments, options, examples."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()  # the program may have changed where the page has not
        return [self.section(words, command) for words, command in commands()]

    def section(self, words: str, command: Any) -> nodes.section:
        label = words.replace(" ", "-")
        section = nodes.section("", nodes.title(words, "", nodes.literal(words, words)), ids=[label], names=[words])
        self.state.document.note_explicit_target(section, section)
        section += block(usage(words, command), "text")
        said, examples = told(command)
        section += said
        for heading, kind in (("Arguments", "argument"), ("Options", "option")):
            parameters = [each for each in shown(command) if each.param_type_name == kind]
            if parameters:
                section += nodes.rubric("", heading)
                section += self.definitions(words, command, parameters)
        below = getattr(command, "commands", {})
        if below:
            section += nodes.rubric("", "Commands")
            section += contents(words, below)
        if examples:
            section += nodes.rubric("", "Examples" if len(examples) > 1 else "Example")
            section += block("\n".join(f"$ {example}" for example in examples), "console")
        return section

    def definitions(self, words: str, command: Any, parameters: list[Any]) -> nodes.definition_list:
        items = nodes.definition_list(classes=["options"])
        for each in parameters:
            term = nodes.term()
            spellings = spelled(each, command)
            for number, spelling in enumerate(spellings):
                term += [nodes.Text(", ")] if number else []
                term += nodes.literal(spelling, spelling)
            names = [*each.opts, *each.secondary_opts] if each.param_type_name == "option" else []
            for name in names:
                label = f"{words.replace(' ', '-')}-{name.lstrip('-')}"
                term["ids"].append(label)
                self.env.domains.standard_domain.add_program_option(words, name, self.env.docname, label)
            meaning = [*rich(each.help or "")]
            note = remark(each)
            if note:
                meaning += [nodes.Text(" "), nodes.inline("", "", *note)]
            items += nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", "", *meaning)))
        return items


def commands() -> Iterator[tuple[str, Any]]:
    """("inkling train", its command), …: all of them, those below another one behind it."""

    def below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield words, command
        for name, each in getattr(command, "commands", {}).items():
            if not each.hidden:
                yield from below(f"{words} {name}", each)

    return below("inkling", typer.main.get_command(program))


def shown(command: Any) -> list[Any]:
    """Arguments and options, but for those that every command has."""
    return [each for each in command.params if not each.hidden and not HIDDEN & set(each.opts)]


def usage(words: str, command: Any) -> str:
    """One line: the command, its arguments, and that there are options."""
    arguments = [argument_word(each) for each in shown(command) if each.param_type_name == "argument"]
    options = ["[OPTIONS]"] if any(each.param_type_name == "option" for each in shown(command)) else []
    group = []
    if getattr(command, "commands", None):
        group = ["[COMMAND]"] if command.invoke_without_command else ["COMMAND"]
    return " ".join([words, *options, *arguments, *group])


def argument_word(argument: Any) -> str:
    """`[RECIPE]`, `RUN …`: an argument as the usage names it."""
    word = (argument.metavar or argument.name.upper()).strip("[]{}.…")
    word = word if argument.nargs == 1 else f"{word} …"
    return word if argument.required else f"[{word}]"


def spelled(parameter: Any, command: Any) -> list[str]:
    """`--hidden N,N,…`, `--quiet`, `-q`: how the parameter is written."""
    if parameter.param_type_name == "argument":
        return [argument_word(parameter)]
    value = "" if parameter.is_flag else f" {value_word(parameter, command)}"
    first, *others = [*parameter.opts, *parameter.secondary_opts]
    return [first + value, *others]


def value_word(option: Any, command: Any) -> str:
    """What stands behind an option: its own word, the choices, or the kind of value."""
    if option.metavar:
        return str(option.metavar)
    kind = kind_of(option, command)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(each.value) for each in kind)
    return {int: "N", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def kind_of(parameter: Any, command: Any) -> Any:
    """The type of one value, from the signature of the function behind the command."""
    hint = get_type_hints(command.callback)[parameter.name]
    while get_args(hint):
        (hint,) = [each for each in get_args(hint) if each is not type(None)]
    return hint


def remark(parameter: Any) -> list[nodes.Node]:
    """Whether it must be given, or what holds where it isn't."""
    if parameter.required:
        return [nodes.Text("Required.")]
    default = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    if parameter.show_default is False or default is None or default is False or default == () or default == []:
        return []
    default = str(getattr(default, "value", default))
    return [nodes.Text("Default: "), nodes.literal(default, default), nodes.Text(".")]


def told(command: Any) -> tuple[list[nodes.Node], list[str]]:
    """What the help says, in paragraphs, and its examples."""
    text, *more = re.split(r"^\s*Examples?:\s*$", command.help or "", maxsplit=1, flags=re.MULTILINE)
    said: list[nodes.Node] = [
        nodes.paragraph("", "", *rich(each.strip())) for each in re.split(r"\n\s*\n", text) if each.strip()
    ]
    return said, [line.strip() for line in "".join(more).splitlines() if line.strip()]


def rich(text: str) -> list[nodes.Node]:
    """Rich's markup as text; what is bold there, or stands between backticks, is code here."""
    found: list[nodes.Node] = []
    styled = Text.from_markup(text.replace("\n", " "))
    at = 0
    marks = [(span.start, span.end) for span in styled.spans if "bold" in str(span.style)]
    for start, end in sorted(marks):
        found += ticked(styled.plain[at:start])
        found.append(nodes.literal(styled.plain[start:end], styled.plain[start:end]))
        at = end
    return found + ticked(styled.plain[at:])


def ticked(text: str) -> list[nodes.Node]:
    """Text with code between backticks."""
    return [
        nodes.literal(each[1:-1], each[1:-1]) if each.startswith("`") else nodes.Text(each)
        for each in re.split(r"(`[^`]+`)", text)
        if each
    ]


def block(text: str, language: str) -> nodes.literal_block:
    """A block of code; consoles look as those that the build has run."""
    return nodes.literal_block(text, text, language=language, classes=["console"] if language == "console" else [])


def contents(words: str, below: dict[str, Any]) -> nodes.bullet_list:
    """The commands below a command, as links with a line of what they do."""
    items = nodes.bullet_list()
    for name, command in below.items():
        if command.hidden:
            continue
        full = f"{words} {name}"
        link = nodes.reference("", "", nodes.literal(full, full), refid=full.replace(" ", "-"), internal=True)
        first = re.split(r"\n\s*\n", command.help or "")[0]
        items += nodes.list_item("", nodes.paragraph("", "", link, nodes.Text(": "), *rich(first)))
    return items


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
