"""What a user of scikit-learn relies on: any features, any labels, weights, going on, stopping, and how sure it is."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

from inkling import Callback, Progress, nn
from inkling.interop import DigitsClassifier, TensorBoard
from inkling.training import (
    Checkpoint,
    CSVLog,
    EarlyStopping,
    Health,
    TrainingDiverged,
    Vitals,
    WeightAverage,
)

QUICK = {
    "hidden_layers": (16,),
    "learning_rate": 0.01,
    "batch_size": 40,
    "max_iter": 15,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
"""A small network for so many epochs, and no word about whether it could get better."""


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """400 digits of 8 × 8 pixels, 0 … 16, and their labels."""
    X, y = load_digits(return_X_y=True)
    return X[:400], y[:400]


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    """300 rows of 6 features, none of which is of the others' size, and three classes."""
    X, y = make_classification(300, 6, n_informative=4, n_redundant=0, n_classes=3, class_sep=2.0, random_state=0)
    return X * [1, 1e3, 1e-3, 1e6, 1, 50] + [0, 1e4, 0, 0, 7, 0], y


class TestLearning:
    def test_digits_as_they_come(self, digits) -> None:
        X, y = digits
        assert DigitsClassifier(random_state=0).fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.9

    @pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
    def test_bytes_are_bytes_in_every_dtype(self, digits, dtype) -> None:
        """OpenML hands MNIST's pixels over as int64 or float64: the answers are those for uint8."""
        X, y = digits
        X = (X * 255 / 16).round()
        expected = DigitsClassifier(**QUICK).fit(X.astype(np.uint8), y)
        found = DigitsClassifier(**QUICK).fit(X.astype(dtype), y)
        assert repr(found.scaling_) == "Pixels(255)"
        assert found.network_.input_shape == (8, 8, 1)
        np.testing.assert_array_equal(found.network_.parameters, expected.network_.parameters)
        np.testing.assert_array_equal(found.predict_proba(X.astype(dtype)), expected.predict_proba(X.astype(np.uint8)))

    def test_the_network_alone_reads_images_of_bytes(self, digits) -> None:
        X, y = (digits[0] * 15).astype(np.uint8), digits[1]
        classifier = DigitsClassifier(**QUICK).fit(X, y)
        assert isinstance(classifier.network_, nn.Network)
        np.testing.assert_array_equal(classifier.network_.predict(X.reshape(-1, 8, 8)), classifier.predict(X))

    def test_features_of_any_size(self, table) -> None:
        X, y = table
        assert DigitsClassifier(**QUICK | {"max_iter": 60}).fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.85

    def test_labels_of_any_kind(self, digits) -> None:
        X, y = digits
        words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
        by_number, by_word = DigitsClassifier(**QUICK).fit(X, y), DigitsClassifier(**QUICK).fit(X, words[y])
        assert list(by_word.classes_) == sorted(words)
        assert set(by_word.predict(X)) <= set(words)
        assert by_word.score(X, words[y]) == pytest.approx(by_number.score(X, y), abs=0.1)
        two = DigitsClassifier(**QUICK).fit(X, y > 4)
        assert two.classes_.tolist() == [False, True]
        assert two.predict(X).dtype == bool

    def test_without_hidden_layers_it_is_logistic_regression(self, table) -> None:
        X, y = table
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        exact = {"learning_rate": nn.Cosine(0.05), "batch_size": None, "max_iter": 3000, "n_iter_no_change": np.inf}
        ours = DigitsClassifier((), l2=1 / len(X), scale=None, random_state=0, **exact).fit(X, y)
        theirs = LogisticRegression(C=1.0, tol=1e-8).fit(X, y)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)

    def test_layers_stand_for_themselves(self, digits) -> None:
        X, y = digits
        layers = (nn.Conv2D(4, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), 16)
        classifier = DigitsClassifier(**QUICK | {"hidden_layers": layers, "dropout": 0.1}).fit(X, y)
        kinds = [type(layer).__name__ for layer in classifier.network_.layers]
        assert kinds == ["Conv2D", "ReLU", "MaxPool2D", "Flatten", "Dense", "ReLU", "Dropout", "Dense"]
        assert classifier.score(X, y) > 0.8
        again = clone(classifier).fit(X, y)  # the same layers, described twice, are no one's property
        np.testing.assert_array_equal(again.network_.parameters, classifier.network_.parameters)

    def test_an_image_that_is_not_square(self, digits) -> None:
        X, y = digits[0][:, :32], digits[1]
        layers = (nn.Conv2D(4, 3), nn.ReLU())
        classifier = DigitsClassifier(**QUICK | {"hidden_layers": layers, "input_shape": (4, 8, 1)}).fit(X, y)
        assert classifier.network_.input_shape == (4, 8, 1)

    @pytest.mark.parametrize(("dtype", "exact"), [(np.float32, np.float32), (np.float64, np.float64)])
    def test_it_computes_in_float32_unless_every_step_takes_all_of_float64(self, table, dtype, exact) -> None:
        X, y = table[0].astype(dtype), table[1]
        for settings, expected in (({}, np.float32), ({"batch_size": None}, exact), ({"batch_size": 300}, exact)):
            classifier = DigitsClassifier(**QUICK | settings).fit(X, y)
            assert classifier.network_.dtype == expected
            assert classifier.predict_proba(X).dtype == expected
        parts = DigitsClassifier(**QUICK).partial_fit(X[:10], y[:10], classes=range(3))
        assert parts.network_.dtype == np.float32

    def test_columns_far_from_zero_keep_what_sets_them_apart(self, table) -> None:
        """Seconds since 1970, say, of which float32 would keep no more than minutes."""
        X, y = table
        near = (X - X.mean(axis=0)) / X.std(axis=0)
        far = near + 1.7e9
        settings = QUICK | {"max_iter": 30}
        assert DigitsClassifier(**settings).fit(far, y).score(far, y) == pytest.approx(
            DigitsClassifier(**settings).fit(near, y).score(near, y), abs=0.05
        )

    @pytest.mark.parametrize("scale", ["auto", "pixels", "standard", None])
    def test_sparse_features_are_the_same_features(self, digits, scale) -> None:
        X, y = digits
        written, thin = (
            DigitsClassifier(**QUICK, scale=scale).fit(form(X), y) for form in (np.asarray, sparse.csr_array)
        )
        np.testing.assert_array_equal(thin.predict_proba(sparse.csr_array(X)), written.predict_proba(X))

    def test_a_column_that_never_changes_does_no_harm(self, table) -> None:
        X, y = table
        flat = np.column_stack([X, np.full(len(X), 1e8 / 3), np.zeros(len(X))])
        found = DigitsClassifier(**QUICK).fit(flat, y)
        assert np.isfinite(found.predict_proba(flat)).all()
        assert found.score(flat, y) > 0.6

    def test_it_warns_as_scikit_learn_does_if_there_was_more_to_learn(self, digits) -> None:
        with pytest.warns(ConvergenceWarning, match="max_iter=2"):
            DigitsClassifier(max_iter=2, random_state=0).fit(*digits)

    def test_it_stops_when_it_learns_nothing_more(self, digits) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            classifier = DigitsClassifier((16,), learning_rate=0.01, tol=1e-2, n_iter_no_change=3, random_state=0)
            classifier.fit(*digits)
        assert 5 < classifier.n_iter_ == len(classifier.loss_curve_) == len(classifier.history_) < 200
        curve = classifier.loss_curve_
        fell = [min(curve[:k]) - curve[k] >= 1e-2 for k in range(1, len(curve))]
        assert fell[-5:] == [True, False, False, False, False]
        assert classifier.loss_ == classifier.loss_curve_[-1] >= classifier.best_loss_


class TestAnswers:
    def test_probabilities_scores_and_classes_agree(self, table) -> None:
        X, y = table
        classifier = DigitsClassifier(**QUICK).fit(X, y)
        p, z = classifier.predict_proba(X), classifier.decision_function(X)
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(p, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), rtol=1e-4)
        np.testing.assert_allclose(classifier.predict_log_proba(X), np.log(p), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(classifier.predict(X), classifier.classes_[z.argmax(axis=1)])

    def test_two_classes_have_one_score(self, table) -> None:
        X, y = table
        classifier = DigitsClassifier(**QUICK).fit(X, y == 1)
        z, p = classifier.decision_function(X), classifier.predict_proba(X)
        assert z.shape == (len(X),)
        np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-4)
        np.testing.assert_array_equal(z > 0, classifier.predict(X))

    def test_logarithms_are_finite_where_probabilities_vanish(self, table) -> None:
        X, y = table
        classifier = DigitsClassifier(**QUICK | {"hidden_layers": (), "scale": None}).fit(X / np.abs(X).max(axis=0), y)
        far = np.full((1, 6), 1e6)
        assert (classifier.predict_proba(far) == 0).any()
        logs = classifier.predict_log_proba(far)
        assert np.isfinite(logs).all()
        assert logs.min() < -1000

    def test_more_samples_than_fit_in_a_block(self, digits) -> None:
        X, y = digits
        classifier = DigitsClassifier(**QUICK).fit(X, y)
        many = np.concatenate([X] * 3)
        assert classifier.predict_proba(many).shape == (1200, 10)
        np.testing.assert_allclose(classifier.predict_proba(many)[800:], classifier.predict_proba(X), rtol=1e-4)

    def test_threads_that_ask_at_once_get_their_own_answers(self, digits) -> None:
        X, y = digits
        classifier = DigitsClassifier(**QUICK).fit(X, y)
        parts = [X[start::4] for start in range(4)]
        expected = [classifier.predict_proba(part) for part in parts]
        found: dict[int, list[np.ndarray]] = {}

        def ask(place: int) -> None:
            found[place] = [classifier.predict_proba(parts[place]) for _ in range(20)]

        threads = [threading.Thread(target=ask, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for place, answers in found.items():
            for answer in answers:
                np.testing.assert_allclose(answer, expected[place], rtol=1e-5)

    def test_nothing_is_known_before_fit(self, digits) -> None:
        with pytest.raises(NotFittedError):
            DigitsClassifier().predict(digits[0])

    def test_columns_keep_their_names(self, table) -> None:
        X, y = pd.DataFrame(table[0], columns=list("abcdef")), table[1]
        classifier = DigitsClassifier(**QUICK).fit(X, y)
        assert list(classifier.feature_names_in_) == list("abcdef")
        with pytest.raises(ValueError, match="feature names"):
            classifier.predict(X[list("fedcba")])


class TestWeights:
    def test_a_weight_is_as_good_as_copies(self, table) -> None:
        X, y = table[0][:120], table[1][:120]
        weights = np.random.default_rng(0).integers(0, 4, len(X))
        settings = QUICK | {"batch_size": None}
        weighted = DigitsClassifier(**settings).fit(X, y, sample_weight=weights)
        copied = DigitsClassifier(**settings).fit(X.repeat(weights, axis=0), y.repeat(weights))
        np.testing.assert_allclose(weighted.predict_proba(X), copied.predict_proba(X), rtol=1e-6)
        np.testing.assert_allclose(weighted.loss_curve_, copied.loss_curve_, rtol=1e-9)

    def test_only_ratios_of_weights_matter(self, table) -> None:
        X, y = table
        weights = np.random.default_rng(0).random(len(X))
        small, large = (DigitsClassifier(**QUICK).fit(X, y, sample_weight=weights * by) for by in (1e-3, 1e6))
        np.testing.assert_allclose(small.predict_proba(X), large.predict_proba(X), rtol=1e-3, atol=1e-6)

    def test_equal_weights_are_none(self, table) -> None:
        X, y = table
        none, equal = DigitsClassifier(**QUICK).fit(X, y), DigitsClassifier(**QUICK).fit(X, y, np.full(len(X), 7.0))
        np.testing.assert_allclose(none.predict_proba(X), equal.predict_proba(X), rtol=1e-3, atol=1e-6)

    def test_balanced_classes_are_heard_alike(self, table) -> None:
        X, y = table
        rare = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:8]])
        X, y = X[rare] + np.random.default_rng(0).normal(0, 2, (len(rare), 6)) * X.std(axis=0), y[rare]
        heard = {
            kind: np.mean(DigitsClassifier(**QUICK, class_weight=kind).fit(X, y).predict(X)[y == 1] == 1)
            for kind in (None, "balanced")
        }
        assert heard["balanced"] > heard[None]
        counts = np.bincount(y)
        by_hand = DigitsClassifier(**QUICK, class_weight={0: 1 / counts[0], 1: 1 / counts[1]}).fit(X, y)
        named = DigitsClassifier(**QUICK, class_weight="balanced").fit(X, y)
        np.testing.assert_allclose(by_hand.predict_proba(X), named.predict_proba(X), rtol=1e-3, atol=1e-6)

    def test_class_weights_multiply_sample_weights(self, table) -> None:
        X, y = table
        weights = np.random.default_rng(0).random(len(X))
        both = DigitsClassifier(**QUICK, class_weight={0: 5.0}).fit(X, y, weights)
        one = DigitsClassifier(**QUICK).fit(X, y, weights * np.where(y == 0, 5, 1))
        np.testing.assert_array_equal(both.predict_proba(X), one.predict_proba(X))

    @pytest.mark.parametrize("named", [{0: 1.0, 1: 2.0, 2: 3.0}, {2: 3.0}])
    def test_a_part_of_the_samples_may_lack_a_class_that_has_a_weight(self, table, named) -> None:
        X, y = table
        some = y < 2
        classifier = DigitsClassifier(**QUICK, class_weight=named).partial_fit(X[some], y[some], classes=range(3))
        assert list(classifier.partial_fit(X, y).classes_) == [0, 1, 2]
        warm = DigitsClassifier(**QUICK, class_weight=named, warm_start=True).fit(X, y)
        assert list(warm.fit(X[some], y[some]).classes_) == [0, 1, 2]

    @pytest.mark.parametrize(
        ("named", "weights", "words"),
        [
            ({0: -1}, None, "^class_weight must not be negative"),
            ({0: 0, 1: 0}, None, "^all of class_weight is zero"),
            ({0: np.inf}, None, "^class_weight must consist of finite numbers"),
            ({0: 0}, [1.0, 0.0], "^all of sample_weight times class_weight is zero"),
            ({5: 1.0}, None, "not in class_weight"),
        ],
    )
    def test_class_weights_that_make_no_sense(self, named, weights, words) -> None:
        with pytest.raises(ValueError, match=words):
            DigitsClassifier(**QUICK, class_weight=named).fit([[0.0], [1.0]], [0, 1], weights)

    @pytest.mark.parametrize(
        ("weights", "words"), [([-1.0, 1], "negative"), ([0.0, 0], "zero"), ([1.0], "shape"), ([np.nan, 1], "NaN")]
    )
    def test_weights_that_make_no_sense(self, weights, words) -> None:
        with pytest.raises(ValueError, match=words):
            DigitsClassifier(**QUICK).fit([[0.0], [1.0]], [0, 1], weights)


class TestStopping:
    def test_early_stopping_goes_back_to_the_best_weights(self, digits) -> None:
        X, y = digits
        classifier = DigitsClassifier(
            (32,), learning_rate=0.02, early_stopping=True, validation_fraction=0.2, n_iter_no_change=4, random_state=0
        ).fit(X, y)
        scores = classifier.validation_scores_
        assert len(scores) == classifier.n_iter_ < 200
        assert classifier.best_validation_score_ == max(scores) > 0.85
        assert scores.index(max(scores)) == len(scores) - 5
        assert all(round(score * 80, 6) % 1 == 0 for score in scores)  # a fifth of 400 was held out

    def test_without_it_there_are_no_such_scores(self, digits) -> None:
        classifier = DigitsClassifier(**QUICK).fit(*digits)
        assert classifier.validation_scores_ is None
        assert classifier.best_validation_score_ is None

    def test_each_class_is_held_out_in_proportion_and_too_small_ones_are_refused(self, digits) -> None:
        X, y = digits
        with pytest.raises(ValueError, match="class"):
            DigitsClassifier(**QUICK, early_stopping=True).fit(X[:12], y[:12])


class TestGoingOn:
    def test_the_same_seed_gives_the_same_bits(self, digits) -> None:
        settings = QUICK | {"dropout": 0.3, "early_stopping": True}
        first, second = DigitsClassifier(**settings).fit(*digits), DigitsClassifier(**settings).fit(*digits)
        np.testing.assert_array_equal(first.network_.parameters, second.network_.parameters)
        np.testing.assert_array_equal(first.fit(*digits).network_.parameters, second.network_.parameters)
        other = DigitsClassifier(**settings | {"random_state": 1}).fit(*digits)
        assert not np.array_equal(first.network_.parameters, other.network_.parameters)

    def test_random_state_may_be_a_stream(self, digits) -> None:
        first, second = (DigitsClassifier(**QUICK | {"random_state": np.random.RandomState(5)}) for _ in range(2))
        np.testing.assert_array_equal(
            first.fit(*digits).predict_proba(digits[0]), second.fit(*digits).predict_proba(digits[0])
        )

    def test_partial_fit_learns_bit_by_bit(self, digits) -> None:
        X, y = digits
        classifier = DigitsClassifier((32,), random_state=0, learning_rate=0.01)
        for start in [0, 100, 200, 300] * 6:
            classifier.partial_fit(X[start : start + 100], y[start : start + 100], classes=range(10))
        assert classifier.score(X, y) > 0.9
        assert classifier.n_iter_ == 1
        assert len(classifier.loss_curve_) == 24
        assert [row.epoch for row in classifier.history_] == list(range(1, 25))

    def test_partial_fit_after_a_pickle_goes_on_to_the_same_bits(self, digits) -> None:
        X, y = digits
        kept = DigitsClassifier(**QUICK | {"dropout": 0.2}).fit(X, y)
        revived = pickle.loads(pickle.dumps(kept))
        for classifier in (kept, revived):
            classifier.partial_fit(X[:100], y[:100]).partial_fit(X[100:300], y[100:300])
        np.testing.assert_array_equal(kept.network_.parameters, revived.network_.parameters)

    def test_partial_fit_knows_its_classes_from_the_first_call(self, digits) -> None:
        X, y = digits
        with pytest.raises(ValueError, match="classes"):
            DigitsClassifier().partial_fit(X, y)
        classifier = DigitsClassifier().partial_fit(X[:3], y[:3], classes=range(5))
        with pytest.raises(ValueError, match="not among the classes"):
            classifier.partial_fit(X, y)
        with pytest.raises(ValueError, match="cannot become"):
            classifier.partial_fit(X[:3], y[:3], classes=range(7))

    @pytest.mark.parametrize("setting", [{"early_stopping": True}, {"class_weight": "balanced"}])
    def test_partial_fit_cannot_do_what_needs_all_samples(self, digits, setting) -> None:
        with pytest.raises(ValueError, match="a part of the samples"):
            DigitsClassifier(**setting).partial_fit(*digits, classes=range(10))

    def test_warm_start_goes_on_and_a_cold_one_does_not(self, digits) -> None:
        warm = DigitsClassifier(**QUICK | {"max_iter": 3, "warm_start": True}).fit(*digits)
        first = warm.loss_
        warm.fit(*digits)
        assert warm.n_iter_ == 3
        assert len(warm.loss_curve_) == 6
        assert warm.loss_ < first
        warm.set_params(warm_start=False).fit(*digits)
        assert warm.loss_ == first

    def test_warm_start_of_a_number_of_epochs_is_like_one_training_of_all(self, digits) -> None:
        halves = DigitsClassifier(**QUICK | {"max_iter": 5, "warm_start": True}).fit(*digits).fit(*digits)
        whole = DigitsClassifier(**QUICK | {"max_iter": 10}).fit(*digits)
        # Only the order of the samples differs: the optimizer's memory is the same.
        assert halves.loss_ == pytest.approx(whole.loss_, rel=0.3)


class TestArguments:
    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ({"activation": "rule"}, "activation is 'rule'; it can be relu"),
            ({"optimizer": "adm"}, "optimizer is 'adm'; it can be sgd"),
            ({"scale": "minmax"}, "scale is 'minmax'"),
            ({"hidden_layers": (0,)}, "units is 0"),
            ({"hidden_layers": None}, "hidden_layers is None"),
            ({"hidden_layers": nn.Dense(3)}, "hidden_layers is Dense"),
            ({"activation": ["relu"]}, "activation is "),
            ({"optimizer": ["adam"]}, "optimizer is "),
            ({"dropout": 1.5}, "dropout is 1.5"),
            ({"dropout": None}, "dropout is None"),
            ({"max_iter": "many"}, "max_iter is 'many'"),
            ({"max_iter": 1.5}, "max_iter is 1.5"),
            ({"n_iter_no_change": None}, "n_iter_no_change is None; it can be a whole number of at least 1, or inf"),
            ({"batch_size": "all"}, "batch_size is 'all'; it can be a whole number of at least 1, 'auto'"),
            ({"batch_size": 16.0}, "batch_size is 16.0"),
            ({"tol": None}, "tol is None"),
            ({"tol": -1}, "tol is -1"),
            ({"tol": np.nan}, "tol is nan"),
            ({"early_stopping": "yes"}, "early_stopping is 'yes'; it can be True or False"),
            ({"warm_start": "yes"}, "warm_start is 'yes'"),
            ({"verbose": "yes"}, "verbose is 'yes'"),
            ({"validation_fraction": 0}, "validation_fraction is 0"),
            ({"validation_fraction": 1}, "validation_fraction is 1"),
            ({"validation_fraction": "half"}, "validation_fraction is 'half'"),
            ({"callbacks": None}, r"callbacks is None; it can be a sequence of Callbacks, \(\) for none"),
            ({"callbacks": [3]}, r"callbacks is \[3\]"),
            ({"input_shape": "square"}, "input_shape is 'square'"),
            ({"max_iter": 0}, "max_iter is 0"),
            ({"n_iter_no_change": 0}, "n_iter_no_change is 0"),
            ({"batch_size": 0}, "batch_size is 0"),
            ({"learning_rate": -1.0}, "learning_rate is -1.0"),
            ({"l2": -1.0}, "l2 is -1.0"),
            ({"input_shape": (5, 5)}, "input_shape"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, digits, setting, words) -> None:
        with pytest.raises(ValueError, match=words):
            DigitsClassifier(**setting).fit(*digits)
        with pytest.raises(ValueError, match=words):
            DigitsClassifier(**setting).partial_fit(*digits, classes=range(10))

    def test_numbers_may_be_numpys(self, digits) -> None:
        settings = {
            "max_iter": np.int64(2),
            "tol": np.float32(0),
            "early_stopping": np.True_,
            "batch_size": np.int32(40),
        }
        assert DigitsClassifier(**QUICK | settings, validation_fraction=np.float64(0.2)).fit(*digits).n_iter_ == 2

    def test_the_batch_size_of_mlp_classifier_is_200(self, digits) -> None:
        auto, said = (DigitsClassifier(**QUICK | {"batch_size": size}).fit(*digits) for size in ("auto", 200))
        np.testing.assert_array_equal(auto.network_.parameters, said.network_.parameters)

    def test_things_of_inklings_own_stay_as_they_were(self, digits) -> None:
        optimizer, layer = nn.SGD(0.05, momentum=0.9), nn.Dense(7)
        classifier = DigitsClassifier(
            **QUICK | {"optimizer": optimizer, "learning_rate": None, "hidden_layers": (layer, nn.Tanh())}
        )
        classifier.fit(*digits).fit(*digits)
        assert (optimizer.steps, optimizer.state) == (0, {})
        assert layer.output_shape == ()
        assert classifier.score(*digits) > 0.7

    def test_a_learning_rate_goes_before_the_optimizers_own(self, digits) -> None:
        rate = nn.Cosine(0.1)
        classifier = DigitsClassifier(**QUICK | {"optimizer": nn.SGD(5.0, momentum=0.5), "learning_rate": rate}).fit(
            *digits
        )
        rates = classifier.history_["learning_rate"]
        assert 0.09 < rates[0] <= 0.1
        assert rates == sorted(rates, reverse=True)

    def test_a_training_that_diverges_says_what_to_try(self, digits) -> None:
        with pytest.raises(TrainingDiverged, match="a lower learning rate"):
            DigitsClassifier(**QUICK | {"optimizer": "sgd", "learning_rate": 1e30}).fit(*digits)

    def test_callbacks_watch(self, digits) -> None:
        class Watch(Callback):
            def __init__(self) -> None:
                self.losses: list[float] = []

            def on_epoch_end(self, trainer) -> None:
                self.losses.append(trainer.history.last.train_loss)
                if len(self.losses) == 4:
                    trainer.stop()

        watch = Watch()
        classifier = DigitsClassifier(**QUICK, callbacks=[watch]).fit(*digits)
        assert watch.losses == classifier.loss_curve_
        assert classifier.n_iter_ == 4

    def test_verbose_shows_the_progress(self, digits, capsys) -> None:
        DigitsClassifier(**QUICK | {"max_iter": 2}, verbose=True).fit(*digits)
        said = capsys.readouterr()
        assert "epoch 2/2" in said.err
        assert not said.out

    def test_a_display_that_was_used_can_be_copied_along(self, digits, capsys) -> None:
        classifier = DigitsClassifier(**QUICK | {"max_iter": 2}, callbacks=[Progress()]).fit(*digits)
        for again in (clone(classifier), pickle.loads(pickle.dumps(classifier))):
            capsys.readouterr()
            again.fit(*digits)
            assert "epoch 2/2" in capsys.readouterr().err

    @pytest.mark.parametrize("kind", [EarlyStopping, WeightAverage, CSVLog, Checkpoint, Health, Vitals, TensorBoard])
    def test_every_callback_can_be_copied_along_after_it_watched(self, digits, tmp_path, kind) -> None:
        if kind is TensorBoard:
            pytest.importorskip("tensorboardX")
        callback = kind(tmp_path / "place") if kind in (CSVLog, Checkpoint, TensorBoard) else kind()
        settings = {"max_iter": 2, "callbacks": [callback], "early_stopping": kind is EarlyStopping}
        classifier = DigitsClassifier(**QUICK | settings).fit(*digits)
        for again in (clone(classifier), pickle.loads(pickle.dumps(classifier))):
            assert again.fit(*digits).n_iter_ == 2

    def test_silent_by_default(self, digits, capsys) -> None:
        DigitsClassifier(**QUICK).fit(*digits)
        said = capsys.readouterr()
        assert said.out + said.err == ""


class TestKeeping:
    @pytest.mark.parametrize("way", ["pickle", "joblib", "copy"])
    def test_it_answers_the_same_afterwards(self, digits, tmp_path, way) -> None:
        classifier = DigitsClassifier(**QUICK).fit(*digits)
        if way == "pickle":
            kept = pickle.loads(pickle.dumps(classifier))
        elif way == "joblib":
            joblib.dump(classifier, tmp_path / "classifier.joblib")
            kept = joblib.load(tmp_path / "classifier.joblib")
        else:
            kept = copy.deepcopy(classifier)
        np.testing.assert_array_equal(kept.predict_proba(digits[0]), classifier.predict_proba(digits[0]))
        assert kept.history_["train_loss"] == classifier.loss_curve_

    def test_a_pickle_holds_no_work_arrays(self, digits) -> None:
        classifier = DigitsClassifier(**QUICK).fit(*digits)
        classifier.predict(np.concatenate([digits[0]] * 5))
        parameters = classifier.network_.parameters.nbytes
        assert len(pickle.dumps(classifier)) < 3 * parameters + 20_000  # the weights, and Adam's two means

    def test_the_arguments_are_the_parameters(self) -> None:
        classifier = DigitsClassifier((5, 4), "tanh", dropout=0.1)
        assert classifier.get_params()["hidden_layers"] == (5, 4)
        assert repr(classifier) == "DigitsClassifier(activation='tanh', dropout=0.1, hidden_layers=(5, 4))"


def test_the_package_loads_scikit_learn_only_for_the_estimator() -> None:
    import json
    import subprocess
    import sys

    command = "import json, sys, inkling as ik; ik.interop; print(json.dumps('sklearn' in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) is False
