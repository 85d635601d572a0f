"""`inkling train --tensorboard`: event files in the run folder, where `tensorboard --logdir runs` finds them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest
from stripes import Inkling

pytest.importorskip("tensorboardX")


def curve(run: Path) -> list[int]:
    """The steps at which TensorBoard itself finds a loss."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorBoard's own
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        return [event.step for event in EventAccumulator(str(run)).Reload().Scalars("loss/train")]


def test_the_run_folder_holds_the_curves(train: Inkling) -> None:
    assert train("--tensorboard").status == 0
    (run,) = Path("runs").iterdir()
    assert curve(run) == [1, 2]


def test_resuming_goes_on_with_them(inkling: Inkling, train: Inkling) -> None:
    train("--tensorboard", "--out", "run", "--set", "schedule.name=constant")
    assert inkling("train", "--resume", "run", "--epochs", 4, "--tensorboard").status == 0
    assert curve(Path("run")) == [1, 2, 3, 4]


def test_they_belong_to_the_run_when_it_is_pruned(inkling: Inkling, train: Inkling) -> None:
    for name in ("one", "two"):
        train("--tensorboard", "--out", f"runs/{name}")
    assert len(inkling("runs", "prune", "--newest", 1, "--yes", "--json").json["runs"]) == 1
    assert len(list(Path("runs").iterdir())) == 1


def test_a_training_that_diverges_leaves_none(train: Inkling) -> None:
    answer = train("--tensorboard", "--learning-rate", "1e30", "--out", "run")
    assert answer.status == 2
    assert not Path("run").exists()


def test_without_its_package_nothing_is_begun(train: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    answer = train("--tensorboard")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == (
        "inkling: writing for TensorBoard needs the package tensorboardX: pip install 'inkling-nn[tensorboard]'\n"
    )
    assert not Path("runs").exists()
