"""What the pages show works: their Python runs, their commands end well, and say what is shown.

Everything happens in a new folder with two runs on the bundled digits in it, without a network. A page's blocks run one
after the other, as a reader would type them; Python keeps its names from block to block. What a page takes for granted
(a photo, a table) is laid out by `GIVEN`. Recipes train for one epoch unless the command says for how many: here it is
asked whether a command works, not how well the network reads. Of the outputs everything is compared but the numbers.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import HOME, PAGES, Block, blocks, commands, name

import inkling as ik
from inkling.cli import main
from inkling.data import mirrors

NETWORK = "it needs a network"
REPOSITORY = "it builds or measures the repository for minutes"
STAYS = "it goes on until Ctrl-C; tests/playground starts it"
OTHER_WORLD = "it belongs to another language or system"

NOT_RUN = {
    "README.md": {
        "make run": "the test below with the real MNIST runs `inkling train`, which is all that it does",
        "make test": REPOSITORY,
        "inkling train --resume latest": "nothing was broken off; tests/cli/test_train.py does that",
        "inkling play": STAYS,
    },
    "docs/accuracy.md": {
        "make accuracy": REPOSITORY,
        "inkling compare conv-best --seeds 6 --ensemble": "it trains for more than an hour",
    },
    "docs/export.md": {"pip install onnx": NETWORK},
    "docs/install.md": {
        'pip install "inkling-nn[fast]"': NETWORK,
        "make run": REPOSITORY,
        "make test": REPOSITORY,
        "python3 -m venv .venv": NETWORK,
        '.venv/bin/pip install "inkling-nn[fast]"': NETWORK,
        ".venv/bin/inkling train": "it is in the environment that was not made",
    },
    "docs/playground.md": {
        "inkling play": STAYS,
        "inkling play --data digits": STAYS,
        "inkling play --port 0 --no-browser": STAYS,
        "inkling play --host 0.0.0.0": STAYS,
    },
    "docs/runs.md": {
        'pip install "inkling-nn[tensorboard]"': NETWORK,
        "tensorboard --logdir runs": "it goes on until Ctrl-C",
    },
    "docs/start/teach.md": {"inkling play --data digits": STAYS},
    "docs/why_it_is_fast.md": {"make bench": REPOSITORY, "make bench-quick": REPOSITORY},
}
"""Commands that no test can run, word for word, and why."""

STATUS = {("docs/exercises.md", "inkling exercise check softmax.py"): 1}
"""Commands that end with another status than 0: nothing has been written into softmax.py yet."""
SHORT = {"training.epochs": 1, "training.threads": 1, "data.max_train_samples": 400, "figures.predictions": 0}
RUNS = ("20260131T120000-default", "20260131T123000-conv-fast")
TESTED = [page for page in PAGES if any(block.language in ("python", "console", "bash") for block in blocks(page))]


# The desk


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `runs` with a run of the default recipe and one of conv-fast, an epoch each."""
    folder = tmp_path_factory.mktemp("shown") / "runs"
    for run in RUNS:
        recipe = run.partition("-")[2]
        changes = {**SHORT, "data.source": "digits", "report.enabled": False}
        ik.run_recipe(ik.load_recipe(recipe, changes), out=folder / run)
    return folder


@pytest.fixture
def desk(tmp_path: Path, two_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder, with an empty home, no network, and two runs that need one epoch each."""
    place, home = tmp_path / "desk", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    shutil.copytree(two_runs, place / "runs")
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COLUMNS", "120")
    for each in ("FORCE_COLOR", "TTY_COMPATIBLE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "DISPLAY"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setattr(mirrors, "MIRRORS", (mirrors.Mirror("http://127.0.0.1:9/"),))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    return place


@pytest.fixture
def one_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes train for one epoch on few images, and draw nothing, unless somebody says otherwise."""
    load = ik.recipes.load_recipe

    def load_short(recipe: Any = "default", changes: Mapping[str, Any] | None = None) -> Any:
        return load(recipe, {**SHORT, **(changes or {})})

    monkeypatch.setattr("inkling.recipes.load_recipe", load_short)


def table(path: Path, count: int, *, labelled: bool) -> None:
    split = ik.load_data("digits").train.take(slice(count))
    rows = split.images.reshape(count, -1)
    header = [*(["label"] if labelled else []), *(f"pixel{i}" for i in range(784))]
    rows = np.column_stack([split.labels, rows]) if labelled else rows
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=",".join(header), comments="")


def photo(path: Path) -> None:
    """A digit, dark on light and large, as a camera sees it."""
    from PIL import Image

    image = Image.fromarray(255 - ik.load_data("digits").test.images[0]).resize((280, 280))
    image.save(path)


def sorted_pictures(folder: Path) -> None:
    from PIL import Image

    split = ik.load_data("digits").test.take(slice(20))
    for number, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{number}.png")


def kaggle(place: Path) -> None:
    import zipfile

    table(place / "train.csv", 300, labelled=True)
    table(place / "test.csv", 40, labelled=False)
    with zipfile.ZipFile(place / "digit-recognizer.zip", "w") as file:
        for each in ("train.csv", "test.csv"):
            file.write(place / each, each)


GIVEN: dict[str, list[Callable[[Path], Any]]] = {
    "README.md": [lambda place: photo(place / "photo.jpg"), kaggle],
    "docs/any_picture.md": [lambda place: photo(place / "photo.jpg")],
    "docs/kaggle.md": [kaggle],
    "docs/model_card.md": [
        lambda place: photo(place / "seven.png"),
        lambda place: sorted_pictures(place / "my-digits"),
    ],
}
"""The files that a page takes for granted."""

NAMES: dict[str, Callable[[], dict[str, Any]]] = {
    "docs/data.md": lambda: {"ik": ik, "np": np, "digits": ik.load_data("digits")},
    "docs/exercises.md": lambda: {"np": np},
    "docs/export.md": lambda: {"images": ik.load_data("digits").test.images[:5]},
    "docs/model_card.md": lambda: {"images": ik.load_data("digits").test.images[:5]},
    "docs/runs.md": lambda: {"network": ik.nn.Network([ik.nn.Dense(10)])},
}
"""What a page's Python takes for granted, because the text beside it says so."""
PLACEHOLDERS = {"RUN": [f"runs/{run}" for run in RUNS]}
"""Words that stand for something of the reader's: each occurrence for the next of these."""


# Running and comparing


class Terminal:
    """What was written to standard output and standard error, in order."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        stream = io.TextIOWrapper(self.bytes, encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            yield
        stream.flush()
        stream.detach()

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode("utf-8")


def in_shell(command: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Exit status and output of `inkling …`, in this process; `> file` goes to the file."""
    words = shlex.split(command)
    place = Path(words[words.index(">") + 1]) if ">" in words else None
    words = words[: words.index(">")] if place else words
    stand_ins = {word: iter(each) for word, each in PLACEHOLDERS.items()}
    words = [next(stand_ins[word]) if word in stand_ins else word for word in words]
    assert words[0] == "inkling", f"`{command}`: list it in NOT_RUN with a reason"
    monkeypatch.setattr(sys, "argv", words)
    terminal = Terminal()
    with terminal.listening(), pytest.raises(SystemExit) as end:
        main()
    if place:
        place.write_text(terminal.text, encoding="utf-8")
    return int(end.value.code or 0), "" if place else terminal.text


def run_python(block: Block, page: Path, names: dict[str, Any]) -> str:
    """Run the block and return what it printed; a traceback names the page and the line."""
    source = "\n" * (block.line - 1) + block.text
    terminal = Terminal()
    with terminal.listening():
        exec(compile(source, str(page), "exec"), names)
    return terminal.text


def likeness(line: str) -> str:
    """What a line says apart from its numbers, the width of its columns, and places on this machine."""
    line = re.sub(r"(?<=\s)/[\w./-]+", "/…", line)
    line = re.sub(r"\d{8}T\d{6}", "TIME", line)
    line = re.sub(r"[━─═]+", "─", line)
    line = re.sub(r"(?<![\w])[-+−±]?\d[\d,.:]*(?:e[-+]?\d+)?", "#", line)
    return re.sub(r"\s+", " ", line).strip()


def agree(shown: str, said: str) -> bool:
    """Whether the output is the shown one; a line `…` stands for any number of lines."""
    pieces = [re.escape(likeness(line)) for line in shown.strip("\n").split("\n")]
    pattern = "\n".join(pieces).replace("\n…\n", "\n(?:.*\n)*?")
    pattern = re.sub(r"^…\n", r"(?:.*\n)*?", re.sub(r"\n…$", r"(?:\n.*)*", pattern))
    return re.fullmatch(pattern, "\n".join(likeness(line) for line in said.strip("\n").split("\n"))) is not None


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("one_epoch")
@pytest.mark.parametrize("page", TESTED, ids=name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_the_page_shows_works(page: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in GIVEN.get(name(page), []):
        given(desk)
    names: dict[str, Any] = {"__name__": "__main__", **NAMES.get(name(page), dict)()}
    not_run = NOT_RUN.get(name(page), {})
    for block in blocks(page):
        where = f"{name(page)}, line {block.line}"
        if block.language == "python":
            run_python(block, page, names)
        elif block.language in ("console", "bash"):
            for command, shown in commands(block):
                if command in not_run:
                    continue
                status, said = in_shell(command, monkeypatch)
                assert status == STATUS.get((name(page), command), 0), (
                    f"{where}: `{command}` ended with {status}:\n{said}"
                )
                assert not shown.strip() or agree(shown, said), f"{where}: `{command}` says:\n{said}"


def test_what_is_not_run_is_still_shown() -> None:
    shown = {
        name(page): {command for block in blocks(page) for command, _ in commands(block) if block.language != "text"}
        for page in PAGES
    }
    gone = [(page, command) for page, each in NOT_RUN.items() for command in each if command not in shown[page]]
    assert gone == []
    assert {*GIVEN, *NAMES} <= set(shown)


@pytest.mark.mnist
@pytest.mark.report
def test_the_first_training_says_what_the_front_page_shows(
    mnist_folder: Path, own_house: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_house / "mnist").symlink_to(mnist_folder)
    (shown,) = [
        shown
        for block in blocks(HOME / "README.md")
        for command, shown in commands(block)
        if block.language == "console" and command == "make run"
    ]
    status, said = in_shell("inkling train", monkeypatch)
    assert status == 0
    assert agree(shown, said), said


def test_the_network_that_comes_along_is_the_one_on_its_card() -> None:
    (shown,) = [block for block in blocks(HOME / "docs/model_card.md") if block.text.startswith("layer ")]
    assert ik.load_pretrained().summary().split() == shown.text.split()


def test_the_exercises_mistake_is_found_as_shown(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = blocks(HOME / "docs/exercises.md")
    (mistaken,) = [block.text for block in page if block.text.startswith("def softmax")]
    (shown,) = [block.text for block in page if block.text.startswith("✗ softmax")]
    assert in_shell("inkling exercise start softmax", monkeypatch)[0] == 0
    begun = Path("softmax.py").read_text("utf-8")
    Path("softmax.py").write_text(begun[: begun.index("def softmax")] + mistaken, encoding="utf-8")
    status, said = in_shell("inkling exercise check softmax.py", monkeypatch)
    assert status == 1
    assert said.split()[: len(shown.split())] == shown.split()
