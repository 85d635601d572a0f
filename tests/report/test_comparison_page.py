from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from readers import Page

from inkling.data import Digits
from inkling.errors import InklingError
from inkling.report import Record, read_record, write_comparison, write_report


@pytest.fixture(scope="module")
def second(other: Path, digits: Digits) -> Record:
    return read_record(other, digits)


def test_runs_stand_side_by_side(record: Record, second: Record, tmp_path: Path) -> None:
    page = write_comparison([record, second], tmp_path / "comparison.html")
    read = Page.read(page)
    assert page.stat().st_size < 500_000
    assert [e.attributes["id"] for e in read.all("section")] == [
        "results",
        "learning",
        "differences",
        "confusion",
        "runs",
    ]
    names = ["default, seed 0", "default, seed 3"]
    for run in (record, second):
        assert f"{100 * run.metrics['test_accuracy']:.2f}\u00a0%" in read.text.replace(" %", "\u00a0%")
    series = read.data["charts"]["loss"]["series"]
    assert [each["name"] for each in series] == [
        f"{name}, {part}" for name in names for part in ("validation", "training")
    ]
    assert {(each["colour"], each["mark"], each["line"]) for each in series} == {
        (1, 0, "solid"),
        (1, 0, "dashed"),
        (2, 1, "solid"),
        (2, 1, "dashed"),
    }
    assert [each["counts"] for each in read.data["confusions"]] == [
        run.evaluation.confusion.tolist() for run in (record, second) if run.evaluation
    ]


def test_only_what_differs_is_listed_as_different(record: Record, second: Record, tmp_path: Path) -> None:
    section = Page.read(write_comparison([record, second], tmp_path / "c.html")).one("section", id="differences")
    rows = [" ".join(line.split()) for line in section.text.splitlines() if "." in line]
    assert "optimizer.nameadamsgd" in rows
    assert "training.seed03" in rows
    assert not [row for row in rows if row.startswith(("network", "data", "figures"))]
    same = write_comparison([record, replace(record, folder=second.folder)], tmp_path / "same.html")
    assert "Nothing: the recipes say the same" in Page.read(same).text


def test_the_better_run_is_starred_and_the_summary_names_it(record: Record, second: Record, tmp_path: Path) -> None:
    best = max((record, second), key=lambda run: run.metrics["test_accuracy"])
    name = f"default, seed {best.metrics['seed']}"
    read = Page.read(write_comparison([record, second], tmp_path / "c.html"))
    assert f"{name} reads most test images rightly" in read.text
    starred = [e.text for e in read.all("td", class_="best")]
    assert any(f"{100 * best.metrics['test_accuracy']:.2f}" in text for text in starred)
    assert all(text.endswith("★") for text in starred)


def test_it_links_to_the_reports_that_exist(folder: Path, second: Record, tmp_path: Path) -> None:
    write_report(folder)
    out = tmp_path / "pages" / "comparison.html"
    read = Page.read(write_comparison([read_record(folder), second], out))
    links = [e.attributes["href"] for e in read.all("a") if not e.attributes["href"].startswith("#")]
    assert links == ["../run/report.html"]


def test_runs_without_images_lack_only_their_matrix(folder: Path, second: Record, tmp_path: Path) -> None:
    read = Page.read(write_comparison([read_record(folder, missing="all burnt"), second], tmp_path / "c.html"))
    assert len(read.data["confusions"]) == 1
    assert "No confusion matrix for default, seed 0 (all burnt)" in read.text


def test_names_of_runs_stay_text(record: Record, second: Record, tmp_path: Path) -> None:
    evil = "</script><b onclick=x>"
    one = replace(record, metrics=record.metrics | {"recipe": evil})
    read = Page.read(write_comparison([one, second], tmp_path / "c.html"))
    assert read.data["charts"]["loss"]["series"][0]["name"] == f"{evil}, validation"
    assert read.all("b") == []


def test_one_run_alone_is_no_comparison(record: Record, tmp_path: Path) -> None:
    with pytest.raises(InklingError, match="at least two runs"):
        write_comparison([record], tmp_path / "c.html")
    assert list(tmp_path.iterdir()) == []
