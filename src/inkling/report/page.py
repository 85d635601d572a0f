"""The page of one run: numbers, curves and pictures put in order, and written as one file."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling.data import Augment, Digits
from inkling.errors import InklingError
from inkling.figures.gallery import Subject, gallery
from inkling.nn import Network
from inkling.report import words
from inkling.report.environment import environment
from inkling.report.pictures import embed, mistaken_digits
from inkling.report.record import Record, read_record
from inkling.storage import RunFolder, finite, write_text
from inkling.training import Evaluation, History

if TYPE_CHECKING:
    from jinja2 import Environment

SECTIONS = (
    ("answers", "What it answers", "", ("predictions", "mistakes", "saliency")),
    (
        "network",
        "What it looks like inside",
        "",
        ("architecture", "first_layer_weights", "kernels", "activation_functions"),
    ),
    (
        "walk",
        "One digit, there and back",
        "The same image forward and backward through the trained network: first what each layer makes of it, then "
        "what the loss has to say to each layer.",
        ("forward_pass", "feature_maps", "backward_pass"),
    ),
    ("change", "What the training changed", "", ("weights_since_start", "vital_signs")),
)
"""Where the gallery's pictures hang: id, title, a word before them, and which. Curves and confusion are live."""
SPLIT_NAMES = {"test": "the test images", "validation": "the validation images", "train": "the training images"}


def write_report(
    run: Record | RunFolder | Path | str,
    digits: Digits | None = None,
    *,
    missing: str = "the images were not handed in",
    network: Network | None = None,
    evaluation: Evaluation | None = None,
    out: Path | str | None = None,
) -> Path:
    """Write the report of a finished run, by default report.html in its folder, and return the file.

    `run` is a run folder, "latest", or a record read before, which has all that follows. `digits`: the images it was
    trained on, divided as then; without them the report lacks what needs them and says so, with `missing` as the
    reason. `network` and `evaluation` (on the test images, or the best there are) save reading and computing what
    the caller has at hand.
    Raises InklingError in one line if the folder is no run's, or its training is not over.
    """
    record = run
    if not isinstance(record, Record):
        record = read_record(record, digits, missing=missing, network=network, evaluation=evaluation)
    path = record.folder.report if out is None else Path(out)
    write_text(path, render("run.html", describe(record)))
    return path


def write_comparison(records: list[Record], out: Path | str) -> Path:
    """Write several runs side by side as one page, and return the file. Raises InklingError for fewer than two."""
    from inkling.report.comparison import compare

    if len(records) < 2:
        raise InklingError("a comparison needs at least two runs")
    write_text(out, render("comparison.html", compare(records, Path(out))))
    return Path(out)


def describe(record: Record) -> dict[str, Any]:
    """Everything that the page of one run says."""
    metrics, recipe, evaluation = record.metrics, record.recipe, record.evaluation
    pictures = {picture.name: picture for picture in gallery(subject(record))}
    sections: list[dict[str, Any]] = [
        {"id": name, "title": title, "text": text, "pictures": [embed(pictures[each]) for each in shown]}
        for name, title, text, those in SECTIONS
        if (shown := [each for each in those if each in pictures])
    ]
    confusions = []
    if evaluation is not None and record.unseen is not None:
        samples = mistaken_digits(record.unseen, evaluation)
        confusions = [{"counts": evaluation.confusion.tolist(), "label": "Confusion matrix", "samples": samples}]
    contents = [("recipe", "Recipe"), ("learning", "How it learned")]
    contents += [("confusion", "What it confuses")] if confusions else []
    contents += [(section["id"], section["title"]) for section in sections]
    contents += [("machine", "Data and machine"), ("repeat", "Repeat it")]
    low, high = words.wilson(record.right, record.count)
    return {
        "name": metrics["recipe"],
        "title": recipe.get("title") or metrics["recipe"],
        "folder": record.folder.path.name,
        "score": words.percent(record.accuracy),
        "judged_on": f"{record.count:,} {SPLIT_NAMES[record.judged_on].removeprefix('the ')}",
        "interval": f"{100 * low:.2f} – {words.percent(high)}",
        "facts": facts(record),
        "verdict": words.verdict(record),
        "missing": record.missing,
        "recipe": words.recipe_in_words(record),
        "toml": record.folder.recipe.read_text(encoding="utf-8"),
        "epochs": epoch_table(record.history) if len(record.history) else None,
        "classes": class_table(evaluation) if evaluation is not None else None,
        "counts": count_table(evaluation) if evaluation is not None else None,
        "worst": worst(evaluation) if evaluation is not None else "",
        "sections": sections,
        "data_pictures": [embed(pictures[name]) for name in ("samples", "distortions") if name in pictures],
        "machine": machine(record),
        "command": words.command(record),
        "seed": metrics["seed"],
        "contents": contents,
        "data": {"charts": charts({"": record.history}), "confusions": confusions},
    }


def subject(record: Record) -> Subject:
    """The run as the gallery wants it."""
    augment = Augment(**record.recipe.get("augment", {}))
    return Subject(
        record.network,
        record.history,
        record.signs,
        train=None if record.digits is None else record.digits.train,
        unseen=record.unseen,
        evaluation=record.evaluation,
        augment=augment if augment.kinds else None,
        count=record.recipe.get("figures", {}).get("predictions", 10),
    )


def facts(record: Record) -> list[tuple[str, str]]:
    """The few numbers beside the accuracy."""
    metrics = record.metrics
    return [
        ("wrong answers", f"{record.count - record.right:,}"),
        (f"{record.judged_on} loss", words.number(record.loss)),
        ("training time", words.duration(metrics["seconds"])),
        ("epochs", f"{metrics['epochs']:,}"),
        ("parameters", f"{metrics['parameters']:,}"),
        ("training accuracy", words.percent(metrics.get("train_accuracy"))),
    ]


def machine(record: Record) -> list[tuple[str, str]]:
    """Data, time and machine, a row each. A run that noted no machine gets the one that writes the report."""
    metrics = record.metrics
    rows = [
        ("Data", metrics["dataset"].get("note") or metrics["dataset"].get("source") or "–"),
        ("Training", words.duration(metrics["seconds"])),
        ("With measuring and saving", words.duration(metrics.get("wall_seconds", metrics["seconds"]))),
    ]
    if metrics["epochs"]:
        rows.append(("An epoch", f"{words.duration(metrics['seconds'] / metrics['epochs'])} on average"))
    if metrics.get("samples_per_second"):
        rows.append(("Speed", f"{metrics['samples_per_second']:,.0f} images a second"))
    if metrics.get("peak_memory_mb"):
        rows.append(("Memory", f"{metrics['peak_memory_mb']:,.0f} MB at most"))
    if metrics.get("threads"):
        rows.append(("Threads", f"{metrics['threads']}"))
    known = metrics.get("environment")
    now = known if isinstance(known, dict) else environment()
    rows += [(name[:1].upper() + name[1:], str(value)) for name, value in now.items()]
    if known is None:
        rows.append(("Note", "versions and machine as they were when this report was written"))
    return rows


def charts(histories: dict[str, History]) -> dict[str, Any]:
    """The series and options of the curves, for charts.js; several runs by name, one under the empty name."""
    drawn: dict[str, Any] = {}
    several = len(histories) > 1
    kinds = {
        "loss": ("Loss", {"format": "number", "logToggle": True, "zero": True}),
        "accuracy": ("Accuracy", {"format": "accuracy", "most": 1}),
        "rate": ("Learning rate", {"format": "number", "zero": True, "tall": 170}),
    }
    for kind, (label, options) in kinds.items():
        columns = {f"validation_{kind}": "validation", f"train_{kind}": "training"}
        parts = {"learning_rate": ""} if kind == "rate" else columns
        series = []
        for number, (name, history) in enumerate(histories.items()):
            for place, (column, part) in enumerate(parts.items()):
                points = [[each.epoch, shortened(getattr(each, column))] for each in history]
                if all(value is None for _, value in points):
                    continue
                look = number if several else place
                series.append(
                    {
                        "name": f"{name}, {part}" if several and part else name or part or "learning rate",
                        "points": points,
                        "colour": look % 6 + 1,
                        "mark": look % 6,
                        "line": "dashed" if part == "training" else "solid",
                    }
                )
        drawn[kind] = {"series": series, "options": {"label": label, **options}}
    return drawn


def shortened(value: float | None) -> float | None:
    """As many digits as a curve needs."""
    return None if value is None else float(f"{value:.6g}")


def epoch_table(history: History) -> dict[str, Any]:
    """The rows of the history, as text."""
    validated = any(epoch.validation_loss is not None for epoch in history)
    head = ["epoch", "training loss", "training accuracy"]
    head += ["validation loss", "validation accuracy"] if validated else []
    rows = []
    for each in history:
        row = [f"{each.epoch}", words.number(each.train_loss), words.percent(each.train_accuracy)]
        row += [words.number(each.validation_loss), words.percent(each.validation_accuracy)] if validated else []
        rows.append([*row, f"{each.learning_rate:.3g}", f"{each.seconds:.2f}"])
    return {"head": [*head, "learning rate", "seconds"], "rows": rows}


def class_table(evaluation: Evaluation) -> dict[str, Any]:
    """Precision, recall and F1 of each digit."""
    rows = [
        [
            f"{row['class']}",
            *(words.percent(row[name]) for name in ("precision", "recall", "f1")),
            f"{row['count']:,}",
        ]
        for row in evaluation.per_class
    ]
    return {"head": ["digit", "precision", "recall", "F1", "images"], "rows": rows}


def count_table(evaluation: Evaluation) -> dict[str, Any]:
    """The confusion matrix as a plain table."""
    matrix = evaluation.confusion.tolist()
    rows = [[f"{truth}", *(f"{count:,}" for count in row)] for truth, row in enumerate(matrix)]
    return {"head": ["true digit", *(f"read as {k}" for k in range(len(matrix)))], "rows": rows}


def worst(evaluation: Evaluation) -> str:
    """The hardest digit and the commonest mistake, in a sentence or two."""
    matrix = evaluation.confusion.copy()
    seen = [row for row in evaluation.per_class if row["count"]]
    hardest = min(seen, key=lambda row: row["recall"])
    matrix[range(len(matrix)), range(len(matrix))] = 0
    if not matrix.any():
        return "Nothing: every image was read rightly."
    truth, answer = divmod(int(matrix.argmax()), matrix.shape[1])
    times = words.counted(int(matrix[truth, answer]), "time")
    return (
        f"The commonest mistake: {truth} read as {answer}, {times}. The hardest digit is {hardest['class']}, of which "
        f"{words.percent(hardest['recall'], 1)} are read rightly."
    )


def render(template: str, values: dict[str, Any]) -> str:
    """The page as text, with style and scripts inside."""
    from markupsafe import Markup

    from inkling import __version__

    charts_js, page_js = source("static/charts.js"), source("static/page.js")
    # Both modules stand in one script, so what one exports need not be imported by the other.
    script = charts_js + "".join(line for line in page_js.splitlines(keepends=True) if not line.startswith("import "))
    return (
        templates()
        .get_template(template)
        .render(
            **{**values, "data": finite(values["data"])},
            style=Markup(source("static/charts.css") + source("static/report.css")),
            script=Markup(script),
            version=__version__,
            today=f"{datetime.now(UTC).day} {datetime.now(UTC):%B %Y}",
        )
    )


@cache
def templates() -> Environment:
    """The templates; whatever is put into them is escaped, but for our own style and scripts."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("inkling.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def source(name: str) -> str:
    """A file of this package."""
    return (resources.files("inkling.report") / name).read_text(encoding="utf-8")
