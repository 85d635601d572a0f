"""The classifier among scikit-learn's other tools: in pipelines and searches, in other processes, in notebooks."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from inkling import Callback, nn
from inkling.interop import DigitsClassifier


class Witness(Callback):
    """Remembers on how many threads the training was done."""

    threads = workers = 0

    def on_train_begin(self, trainer) -> None:
        self.workers, self.threads = trainer.plan.workers, trainer.threads


def quick(**settings: object) -> DigitsClassifier:
    arguments = {
        "hidden_layers": (16,),
        "learning_rate": 0.01,
        "batch_size": 40,
        "max_iter": 12,
        "n_iter_no_change": np.inf,
        "random_state": 0,
    }
    return DigitsClassifier(**arguments | settings)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X[:360], y[:360]


class TestCompany:
    def test_a_pipeline_hands_over_frames_with_names(self, digits) -> None:
        X, y = digits
        pipeline = make_pipeline(StandardScaler(), PCA(20), quick()).set_output(transform="pandas").fit(X, y)
        assert pipeline.score(X, y) > 0.9
        assert list(pipeline[-1].feature_names_in_[:2]) == ["pca0", "pca1"]
        assert pipeline[-1].n_features_in_ == 20

    def test_a_grid_search_finds_the_better_network(self, digits) -> None:
        search = GridSearchCV(quick(), {"hidden_layers": [(1,), (16,)], "optimizer": ["adam", nn.Adam(1e-5)]}, cv=2)
        search.fit(*digits)
        assert search.best_params_["hidden_layers"] == (16,)
        assert search.best_score_ > 0.7

    def test_halving_takes_epochs_for_its_resource(self, digits) -> None:
        search = HalvingGridSearchCV(
            quick(), {"l2": [0.0, 1.0], "dropout": [0.0, 0.2]}, resource="max_iter", max_resources=9, cv=2,
            random_state=0,
        ).fit(*digits)  # fmt: skip
        assert search.best_params_["l2"] == 0
        assert search.best_estimator_.n_iter_ == 9

    @pytest.mark.parametrize(
        "company",
        [
            lambda: CalibratedClassifierCV(quick(), cv=2, ensemble=False),
            lambda: StackingClassifier([("net", quick()), ("tree", DecisionTreeClassifier(random_state=0))],
                                       LogisticRegression(max_iter=1000), cv=2),
            lambda: VotingClassifier([("net", quick()), ("other", quick(random_state=1))], voting="soft"),
            lambda: BaggingClassifier(quick(), n_estimators=3, random_state=0),
            lambda: OneVsRestClassifier(quick(max_iter=6)),
        ],
        ids=["calibrated", "stacking", "voting", "bagging", "one-vs-rest"],
    )  # fmt: skip
    def test_in_company(self, digits, company) -> None:
        X, y = digits
        assert company().fit(X[:240], y[:240]).score(X[240:], y[240:]) > 0.7

    def test_weights_find_their_way_through_a_pipeline_and_a_search(self, digits) -> None:
        X, y = digits
        weights = np.where(y < 5, 1.0, 0.0)
        with sklearn.config_context(enable_metadata_routing=True):
            pipeline = make_pipeline(StandardScaler(), quick().set_fit_request(sample_weight=True))
            pipeline[0].set_fit_request(sample_weight=False)
            pipeline.fit(X, y, sample_weight=weights)
            assert pipeline.predict(X).max() < 5
            wanting = quick().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            search = GridSearchCV(wanting, {"l2": [0.0]}, cv=2).fit(X, y, sample_weight=weights)
        assert search.best_estimator_.predict(X).max() < 5
        assert search.best_score_ > 0.85

    def test_permutations_show_which_pixels_matter(self, digits) -> None:
        X, y = digits
        classifier = quick().fit(X, y)
        found = permutation_importance(classifier, X[:80], y[:80], n_repeats=2, random_state=0)
        assert (found.importances_mean[X.std(axis=0) == 0] == 0).all()
        assert found.importances_mean.max() > 0


class TestProcesses:
    @pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
    def test_a_worker_among_others_keeps_to_one_core(self, digits, backend, monkeypatch) -> None:
        import joblib

        monkeypatch.setattr("inkling.training.trainer.available_threads", lambda: 2)
        with joblib.parallel_config(backend=backend):
            done = cross_validate(
                quick(callbacks=[Witness()]), *digits, cv=2, n_jobs=2, return_estimator=True, error_score="raise"
            )
        witnesses = [estimator.callbacks[0] for estimator in done["estimator"]]
        assert [(witness.workers, witness.threads) for witness in witnesses] == [(1, 1), (1, 1)]
        alone = quick(callbacks=[Witness()]).fit(*digits)
        assert alone.callbacks[0].threads == 2

    def test_the_scores_do_not_depend_on_the_number_of_jobs(self, digits) -> None:
        one, two = (cross_val_score(quick(), *digits, cv=2, n_jobs=jobs) for jobs in (1, 2))
        np.testing.assert_allclose(one, two, atol=0.02)


class TestDisplay:
    def markup(self, html: str) -> ElementTree.Element:
        """What Inkling adds under scikit-learn's diagram, as a tree; it is well-formed."""
        return ElementTree.fromstring(html[html.index('<div style="display:flex') :])

    def test_before_it_is_fitted_there_is_scikit_learns_diagram_alone(self) -> None:
        html = quick()._repr_html_()
        assert "sk-estimator" in html or "sk-container" in html
        assert "<svg role" not in html
        assert quick()._repr_mimebundle_()["text/plain"] == repr(quick())

    def test_once_fitted_the_network_and_its_curve_stand_below(self, digits) -> None:
        classifier = quick(early_stopping=True).fit(*digits)
        for html in (classifier._repr_html_(), classifier._repr_mimebundle_()["text/html"]):
            tree = self.markup(html)
            words = [cell.text or "" for cell in tree.iter("td")]
            assert "Dense(16)" in words
            assert f"{len(classifier.network_.parameters):,}" in words
            lines = tree.findall(".//polyline")
            assert len(lines) == 2  # loss and validation accuracy
            points = [tuple(map(float, point.split(","))) for point in lines[0].attrib["points"].split()]
            assert len(points) == classifier.n_iter_
            assert points[0][1] < points[-1][1]  # downwards on the screen is a falling loss
            assert f"training loss {classifier.loss_:.4g} after 12 epochs" in (tree.find(".//figcaption").text or "")

    def test_a_single_epoch_is_a_dot(self, digits) -> None:
        classifier = quick().partial_fit(*digits, classes=range(10))
        tree = self.markup(classifier._repr_html_())
        assert len(tree.findall(".//circle")) == 1
        assert "after 1 epoch" in (tree.find(".//figcaption").text or "")

    def test_in_a_pipeline_it_is_shown_as_all_others(self, digits) -> None:
        assert "DigitsClassifier" in make_pipeline(StandardScaler(), quick()).fit(*digits)._repr_html_()

    def test_as_text_where_diagrams_are_not_wanted(self, digits) -> None:
        classifier = quick().fit(*digits)
        with sklearn.config_context(display="text"):
            assert not hasattr(classifier, "_repr_html_")
            assert set(classifier._repr_mimebundle_()) == {"text/plain"}


PAGE = Path(__file__).parents[2] / "docs" / "scikit_learn.md"


def test_the_examples_of_the_page_run(capsys) -> None:
    """From top to bottom in one Python, as somebody who tries them does; what they print is what the page says."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 6
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
            expected = re.findall(r"^print\(.*?\)  # (.*)$", block, re.M)
            said = capsys.readouterr().out.splitlines()
            assert len(said) >= len(expected)
            for line, words in zip(said, expected, strict=False):
                if "about" not in words:
                    assert line == words
