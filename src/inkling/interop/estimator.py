"""A scikit-learn classifier over Inkling's network, for any features and any labels; digits are the default case.

The estimator translates, and does nothing that Inkling does already: its arguments become layers, optimizer and
callbacks (arguments.py), features, labels and weights the network's samples (samples.py, scaling.py), and `Trainer`
trains. What it learned is in `network_`, an ordinary `Network`.

It keeps scikit-learn's promises: arguments are stored untouched, what is learned ends in an underscore, and it passes
the same published checks as `MLPClassifier`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from inkling import nn
from inkling.interop.arguments import check_arguments, make_callbacks, make_layers, make_optimizer
from inkling.interop.display import fitted_as_html
from inkling.interop.samples import as_learned, dense, hold_out, make_samples
from inkling.interop.scaling import Pixels, Scaling, Standard, fit_scaling, side
from inkling.nn.network import blocks
from inkling.nn.part import Array
from inkling.training import Callback, History, Trainer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DTYPES = (np.float64, np.float32, np.uint8)
"""What features may be; everything else becomes the first of these."""


class DigitsClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A neural network that learns to tell classes apart, with scikit-learn's interface.

    Parameters
    ----------
    hidden_layers : sequence of int and Layer, default=(128, 64)
        The layers before the last one, which has a neuron for each class. A number stands for a Dense layer of so many
        neurons with activation and dropout; a layer such as `nn.Conv2D(8, 5)` stands for itself. Without any, this is
        logistic regression.
    activation : str, default="relu"
        What follows the numbers among the hidden layers: one of `inkling.nn.ACTIVATIONS`.
    dropout : float, default=0.0
        The share of the neurons behind each of these activations that is silenced while training, 0 … 1.
    optimizer : str or Optimizer, default="adam"
        One of `inkling.nn.OPTIMIZERS`, or an optimizer such as `nn.SGD(0.1, momentum=0.9)`.
    learning_rate : float, Schedule or None, default=None
        None: the optimizer's own. A schedule sees `max_iter` epochs before it.
    l2 : float, default=0.0
        λ, adds ½·λ·Σ W² to the loss. `MLPClassifier(alpha=α)` is λ = α / batch size.
    batch_size : int, "auto" or None, default=200
        Samples a step; None: all of them. "auto" is 200, as in `MLPClassifier`; fewer samples are one step.
    max_iter : int, default=200
        Epochs at most.
    tol : float, default=1e-4
    n_iter_no_change : int or inf, default=10
        Training ends when the loss (with `early_stopping`: 1 − the validation accuracy) has not fallen by more than
        `tol` for so many epochs. inf: it goes on for all of `max_iter`.
    early_stopping : bool, default=False
        Hold out some samples, watch them, and return to the weights that read most of them rightly.
    validation_fraction : float, default=0.1
        How much is held out, of each class in proportion.
    class_weight : dict, "balanced" or None, default=None
        How much the samples of each class count, beside `sample_weight`.
    scale : {"auto", "pixels", "standard", None}, default="auto"
        "pixels": all columns are divided by one number, the largest (255, if they are of uint8). "standard": each
        column gets a mean of 0 and a standard deviation of 1. None: they stay. "auto" takes "pixels" where X is uint8,
        or holds whole numbers from 0 to 255 in as many columns as a square image has pixels (8 × 8 at least), and
        "standard" everywhere else.
    input_shape : tuple of int or None, default=None
        The shape of a sample, for convolutions: (height, width, channels). None: pixels of a square image are
        (side, side, 1), everything else a row.
    warm_start : bool, default=False
        Let `fit` go on with what the last one learned.
    random_state : int, RandomState instance or None, default=None
        Decides first weights, order of the samples, dropout and what is held out: the same number, the same bits.
    callbacks : sequence of Callback, default=()
        Whatever is to watch the training, used as they are given.
    verbose : bool, default=False
        Show the progress.

    Attributes
    ----------
    classes_ : the labels, sorted; n_features_in_, feature_names_in_ : as everywhere in scikit-learn.
    network_ : the Inkling network; what it is given is `scaling_(X)`.
    history_ : inkling's History, an epoch a row, over all calls since the network was made.
    n_iter_ : the epochs of the last call; loss_, best_loss_, loss_curve_ : the training loss.
    validation_scores_, best_validation_score_ : accuracies of the held-out samples; None without `early_stopping`.

    The network computes in float32; in float64 where the features are of float64 and every step takes all of them
    (`batch_size` is None, or there are no more). Inside the workers of joblib, and in other threads than the main one,
    it keeps to one core.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from inkling.interop import DigitsClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> DigitsClassifier(random_state=0).fit(X[:1400], y[:1400]).score(X[1400:], y[1400:]) > 0.9
    True

    """

    classes_: Array
    network_: nn.Network
    scaling_: Scaling
    history_: History
    _memory: tuple[int, dict[str, Array]]
    _random: np.random.RandomState

    def __init__(
        self,
        hidden_layers: Sequence[int | nn.Layer] | int = (128, 64),
        activation: str = "relu",
        *,
        dropout: float = 0.0,
        optimizer: str | nn.Optimizer = "adam",
        learning_rate: float | nn.Schedule | None = None,
        l2: float = 0.0,
        batch_size: int | str | None = 200,
        max_iter: int = 200,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: dict[Any, float] | str | None = None,
        scale: str | None = "auto",
        input_shape: tuple[int, ...] | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        callbacks: Sequence[Callback] = (),
        verbose: bool | int = False,
    ) -> None:
        self.hidden_layers = hidden_layers
        self.activation = activation
        self.dropout = dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.l2 = l2
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.scale = scale
        self.input_shape = input_shape
        self.warm_start = warm_start
        self.random_state = random_state
        self.callbacks = callbacks
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n, features) and y (n,); a sample counts `sample_weight` (n,), all the same by default."""
        check_arguments(self.get_params(deep=False))
        going_on = self.warm_start and hasattr(self, "network_")
        X, y = self._check(X, y, reset=not going_on)
        if not going_on:
            self.classes_ = np.unique(y)
        trainer = self._train(X, y, sample_weight, going_on=going_on)
        if trainer.outcome == "finished" and np.isfinite(self.n_iter_no_change):
            warnings.warn(
                f"the training was still getting better after max_iter={self.max_iter} epochs; allow more, or say "
                "n_iter_no_change=numpy.inf if so many are what you want",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn for one epoch from these samples. The first call must name all `classes` that will ever come.

        The features are scaled by what the first call saw.
        """
        check_arguments(self.get_params(deep=False))
        going_on = hasattr(self, "network_")
        if self.early_stopping:
            raise ValueError("partial_fit sees a part of the samples, so early_stopping=True has nothing to hold out")
        if self.class_weight == "balanced":
            raise ValueError(
                'partial_fit sees a part of the samples, so class_weight="balanced" is not known: work it out with '
                "sklearn.utils.compute_class_weight and pass the dict"
            )
        if not going_on and classes is None:
            raise ValueError("the first call to partial_fit must be told the classes: partial_fit(X, y, classes=…)")
        X, y = self._check(X, y, reset=not going_on)
        if classes is not None:
            named = np.unique(np.asarray(classes))
            if going_on and not np.array_equal(named, self.classes_):
                raise ValueError(f"the classes were {self.classes_}, and cannot become {named}")
            self.classes_ = named
        self._train(X, y, sample_weight, going_on=going_on, in_parts=True)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each sample, (n,)."""
        scores = self._scores(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class, (n, classes), in the order of `classes_`."""
        scores = self._scores(X)
        return self.network_.loss.probabilities(scores)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """The logarithms of the probabilities, from the scores: finite even where a probability rounds to 0."""
        return np.asarray(log_softmax(self._scores(X), axis=1))

    def decision_function(self, X: ArrayLike) -> Array:
        """The network's scores before softmax, (n, classes); of two classes the log-odds of the second, (n,)."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    # From X, y and weights to what a trainer takes.

    def _check(self, X: ArrayLike, y: ArrayLike, *, reset: bool) -> tuple[Array, Array]:
        """X as a dense matrix of floats or uint8, and y as a row of labels. Raises ValueError if they are neither."""
        features, row = validate_data(self, X, y, accept_sparse="csr", dtype=DTYPES, reset=reset)
        check_classification_targets(row)
        return dense(features), row

    def _train(
        self, X: Array, y: Array, sample_weight: ArrayLike | None, *, going_on: bool, in_parts: bool = False
    ) -> Trainer:
        """Train; `going_on`: from where the last call left off; `in_parts`: for one epoch, on a part of the samples."""
        batch_size: Any = 200 if self.batch_size == "auto" else self.batch_size
        samples = make_samples(X, y, self.classes_, sample_weight, self.class_weight)
        if not going_on:
            self._random = np.random.RandomState(new_seed(check_random_state(self.random_state)))
        train, held_out = (
            hold_out(samples, self.validation_fraction, self._random) if self.early_stopping else (samples, None)
        )
        if going_on:
            scaling, network, earlier = self.scaling_, self.network_, self.history_.epochs
        else:
            # In steps of all samples rounding is the only noise there is; that of random batches drowns float32's.
            exact = not in_parts and (batch_size is None or len(train[0]) <= batch_size)
            dtype: np.dtype[Any] = np.dtype(np.float64 if exact and X.dtype == np.float64 else np.float32)
            scaling = fit_scaling(self.scale, train[0], train[2], dtype)
            network, earlier = self._new_network(scaling, X.shape[1]), []
        watching = make_callbacks(self.early_stopping, self.n_iter_no_change, self.tol, verbose=bool(self.verbose))
        trainer = Trainer(
            network,
            make_optimizer(self.optimizer, self.learning_rate),
            callbacks=[*self.callbacks, *watching],
            seed=new_seed(self._random),
            threads=None if has_all_cores() else 1,
        )
        if going_on and set(self._memory[1]) == set(trainer.optimizer.memory):
            trainer.optimizer.steps, trainer.optimizer.state = self._memory
        with warnings.catch_warnings():
            if isinstance(scaling, Standard):  # then a number far from 0 is an outlier, and no pixel left as it was
                warnings.filterwarnings("ignore", message="the pixels are not normalised")
            history = trainer.fit(
                as_learned(scaling, train),
                validation=None if held_out is None else as_learned(scaling, held_out),
                epochs=1 if in_parts else self.max_iter,
                batch_size=batch_size,
            )
        self.scaling_, self.network_ = scaling, network
        self._memory = trainer.optimizer.steps, trainer.optimizer.state
        self.n_iter_ = len(history)
        self._remember(History([*earlier, *(replace(row, epoch=row.epoch + len(earlier)) for row in history)]))
        return trainer

    def _remember(self, history: History) -> None:
        """Set what scikit-learn's users look at from Inkling's history."""
        self.history_ = history
        self.loss_curve_ = history["train_loss"]
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)
        self.validation_scores_ = history["validation_accuracy"] if self.early_stopping else None
        known = [score for score in self.validation_scores_ or [] if score is not None]
        self.best_validation_score_ = max(known) if known else None

    def _new_network(self, scaling: Scaling, features: int) -> nn.Network:
        """The network with its first weights."""
        shape = self.input_shape
        if shape is None:
            pixels = isinstance(scaling, Pixels) and side(features)
            shape = (side(features), side(features), 1) if pixels else (features,)
        elif np.prod(shape) != features:
            raise ValueError(f"input_shape {shape} has {np.prod(shape)} numbers, but X has {features} features")
        seed = new_seed(self._random)
        # He's first weights suit pixels, most of which are 0; with features of deviation 1 in their place, the scores
        # would begin so large that the network learns its samples by heart.
        initializer = "he" if isinstance(scaling, Pixels) and "relu" in str(self.activation) else "glorot"
        layers = make_layers(self.hidden_layers, self.activation, self.dropout, initializer)
        layers.append(nn.Dense(len(self.classes_), "glorot"))
        return nn.Network(layers, input_shape=shape, seed=seed, dtype=scaling.dtype, l2=self.l2)

    # Answers.

    def _scores(self, X: ArrayLike) -> Array:
        """What the last layer says, (n, classes)."""
        check_is_fitted(self)
        X = dense(validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False))
        network = self.network_
        scores = np.empty((len(X), len(self.classes_)), network.dtype)
        for rows in blocks(len(X), network.rows_at_once):
            scores[rows] = network.forward(self.scaling_(X[rows]))
        return scores

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # In a notebook: scikit-learn's diagram, and once there is a network, what it looks like and how it learned.

    def _repr_html_inner(self) -> str:
        return str(super()._repr_html_inner()) + fitted_as_html(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += fitted_as_html(self)
        return bundle


def new_seed(random: np.random.RandomState) -> int:
    """A seed drawn from there."""
    return int(random.randint(np.iinfo(np.int32).max))


def has_all_cores() -> bool:
    """Whether this process and thread may take all cores: not if it is one of several that share them."""
    return parent_process() is None and threading.current_thread() is threading.main_thread()
