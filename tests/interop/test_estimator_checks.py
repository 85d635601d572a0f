"""scikit-learn's own published checks: all that MLPClassifier is put to, and none of them excused."""

from __future__ import annotations

import warnings
from collections import Counter

import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

from inkling.interop import DigitsClassifier

ONLY_WITH_ARRAY_API = "SCIPY_ARRAY_API is not set"
"""What scikit-learn says of checks that need another library of arrays; they are the only ones that may be skipped."""

published = parametrize_with_checks([DigitsClassifier()])
# A list, since older scikit-learns give an iterator, of which newer pytests warn.
every_check = pytest.mark.parametrize(published.args[0], list(published.args[1]), **published.kwargs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@every_check
def test_every_check_that_scikit_learn_publishes(estimator, check, request) -> None:
    try:
        check(estimator)
    except BaseException as error:
        if "SkipTest" in type(error).__name__ and ONLY_WITH_ARRAY_API not in str(error):
            pytest.fail(f"{request.node.name} was skipped: {error}")
        raise


def names(estimator: object) -> Counter[str]:
    """How often each check is run for this estimator, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = [check for _, check in estimator_checks_generator(estimator)]
    return Counter(getattr(check, "func", check).__name__ for check in checks)


def test_the_checks_are_those_of_mlp_classifier() -> None:
    ours, theirs = names(DigitsClassifier()), names(MLPClassifier())
    of_several_labels = Counter({name: count for name, count in theirs.items() if "multilabel" in name})
    assert of_several_labels, "MLPClassifier gives a sample several labels, and ours does not"
    assert not theirs - of_several_labels - ours
    if has_fit_parameter(MLPClassifier(), "sample_weight"):  # before scikit-learn 1.7 it took no weights
        assert ours - theirs == Counter(["check_class_weight_classifiers"])


def test_no_tag_claims_less_than_scikit_learn_expects_of_a_classifier() -> None:
    ours, theirs = get_tags(DigitsClassifier()), get_tags(MLPClassifier())
    theirs.classifier_tags.multi_label = False
    theirs.input_tags.sparse = True  # before 1.7 MLPClassifier did not say so
    assert ours == theirs
    assert not ours.classifier_tags.poor_score
    assert not ours.non_deterministic
    assert not ours.no_validation
