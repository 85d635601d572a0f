"""The gradient check passes what is right, finds what is wrong, and leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn

LOSSES = [
    kind(reduction, smoothing)
    for kind in (nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy)
    for reduction in ("mean", "sum")
    for smoothing in (0.0, 0.1)
]
HIDDEN = [nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Identity, nn.Softmax, lambda: nn.Dropout(0.4), nn.Flatten]


def small(*layers: nn.Layer, loss: nn.Loss | None = None, l2: float = 0.0, dtype: type = np.float64) -> nn.Network:
    network = nn.Network(layers, input_shape=(2, 3), loss=loss, l2=l2, dtype=dtype, seed=1)
    random = np.random.default_rng(2)
    network.parameters += random.normal(0, 0.1, network.parameters.shape)  # biases other than zero
    return network


@pytest.fixture
def batch(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.normal(size=(5, 2, 3)), random.integers(0, 4, 5)


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda make: repr(make()))
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_every_layer_with_every_loss_is_right(hidden, loss, batch) -> None:
    network = small(nn.Dense(6), hidden(), nn.Dense(4), loss=loss, l2=0.05)
    assert nn.gradcheck(network, *batch).worst < 1e-6


@pytest.mark.parametrize("last", [nn.Sigmoid, nn.Softmax, nn.Tanh])
def test_an_activation_before_mean_squared_error_is_right(last, batch) -> None:
    network = small(nn.Dense(6), nn.Tanh(), nn.Dense(4), last(), loss=nn.MeanSquaredError())
    assert nn.gradcheck(network, *batch).worst < 1e-6


def test_a_deep_network_with_everything_in_it_is_right(batch) -> None:
    network = small(
        nn.Flatten(), nn.Dropout(0.1), nn.Dense(9), nn.LeakyReLU(), nn.Dropout(0.3), nn.Dense(8), nn.Tanh(),
        nn.Dense(7), nn.Sigmoid(), nn.Dense(4), l2=0.1,
    )  # fmt: skip
    assert nn.gradcheck(network, *batch).worst < 1e-6


def test_pixels_of_uint8_and_a_batch_of_one(random) -> None:
    network = small(nn.Dense(6), nn.Tanh(), nn.Dense(4))
    assert nn.gradcheck(network, random.integers(0, 256, (1, 2, 3), np.uint8), np.array([2])).worst < 1e-6


class WrongSign(nn.Dense):
    """A Dense layer whose bias goes the wrong way."""

    def backward(self, dz):
        dx = super().backward(dz)
        np.negative(self.db, out=self.db)
        return dx


class ForgottenTranspose(nn.Dense):
    """A square Dense layer that passes back dz·W instead of dz·Wᵀ."""

    def backward(self, dz):
        super().backward(dz)
        return dz @ self.W


class SlightlyOff(nn.Tanh):
    """A Tanh whose slope is wrong by a tenth of a percent."""

    def backward(self, da):
        return super().backward(da) * 1.001


class NotAveraged(nn.SoftmaxCrossEntropy):
    """Says that it is a mean, and returns the gradient of the sum."""

    def gradient(self, outputs, labels, weights=None):
        return super().gradient(outputs, labels, weights) * len(labels)


class ForgetsItsL2(nn.Network):
    """A network whose objective has an L2 term, but whose gradient has not."""

    def compute_gradients(self, x, labels, weights=None):
        self.l2, l2 = 0.0, self.l2
        reported = super().compute_gradients(x, labels, weights)
        self.l2 = l2
        return reported


class NotANumber(nn.Dense):
    """A Dense layer that computes nonsense for its bias."""

    def backward(self, dz):
        dx = super().backward(dz)
        self.db.fill(np.nan)
        return dx


def test_a_wrong_sign_is_found_and_named(batch) -> None:
    check = nn.gradcheck(small(nn.Dense(6), nn.Tanh(), WrongSign(4)), *batch)
    assert check.worst == pytest.approx(2)
    assert check.errors["wrongsign_1.b"] == check.worst
    assert all(error < 1e-6 for name, error in check.errors.items() if name != "wrongsign_1.b")


def test_a_mistake_on_the_way_back_shows_in_the_layers_before(batch) -> None:
    check = nn.gradcheck(small(nn.Dense(4), nn.Tanh(), ForgottenTranspose(4)), *batch)
    assert check.errors["dense_1.W"] > 0.01
    assert check.errors["forgottentranspose_1.W"] < 1e-6


def test_a_small_mistake_is_found(batch) -> None:
    assert 1e-5 < nn.gradcheck(small(nn.Dense(6), SlightlyOff(), nn.Dense(4)), *batch).worst < 0.1


def test_a_sum_taken_for_a_mean_is_found(batch) -> None:
    check = nn.gradcheck(small(nn.Dense(4), loss=NotAveraged()), *batch)
    assert check.worst == pytest.approx(0.8), "five times too long: |5 − 1| / 5"


def test_a_gradient_that_is_not_a_number_is_found(batch) -> None:
    assert not nn.gradcheck(small(nn.Dense(4), nn.Tanh(), NotANumber(4)), *batch).worst < 1e-5


def test_forgotten_regularisation_is_found(batch) -> None:
    network = ForgetsItsL2([nn.Dense(4)], input_shape=(2, 3), l2=0.5, dtype=np.float64)
    check = nn.gradcheck(network, *batch)
    assert check.errors["dense_1.W"] > 0.01
    assert check.errors["dense_1.b"] < 1e-6


def test_float32_is_refused_with_what_to_do_instead(batch) -> None:
    with pytest.raises(ValueError, match=r"needs a network of dtype float64; make it with dtype=np\.float64"):
        nn.gradcheck(small(nn.Dense(4), dtype=np.float32), *batch)


def test_a_training_goes_on_as_if_nobody_had_checked(batch) -> None:
    checked, other = (small(nn.Dense(6), nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(4)) for _ in range(2))
    for network in (checked, other):
        network.compute_gradients(*batch)
    nn.gradcheck(checked, *batch)
    for name in ("parameters", "state", "step"):
        np.testing.assert_array_equal(getattr(checked, name), getattr(other, name), err_msg=name)
    for network in (checked, other):
        network.compute_gradients(*batch)
    np.testing.assert_array_equal(checked.gradients, other.gradients)


def test_at_most_so_many_entries_are_checked(batch) -> None:
    network = small(nn.Dense(6), nn.Tanh(), nn.Dense(4))
    check = nn.gradcheck(network, *batch, at_most=10, seed=1)
    counts = {name: int(np.isfinite(values).sum()) for name, values in check.numerical.items()}
    assert counts == {"dense_1.W": 10, "dense_2.W": 10, "dense_1.b": 6, "dense_2.b": 4}
    assert check.worst < 1e-6
    other = nn.gradcheck(network, *batch, at_most=10, seed=2)
    assert not np.array_equal(np.isnan(check.numerical["dense_1.W"]), np.isnan(other.numerical["dense_1.W"]))


def test_both_gradients_are_there_to_be_looked_at(batch) -> None:
    network = small(nn.Dense(6), nn.Tanh(), nn.Dense(4))
    check = nn.gradcheck(network, *batch)
    assert set(check.analytic) == set(check.numerical) == set(check.errors)
    assert check.analytic["dense_1.W"].shape == (6, 6)
    np.testing.assert_allclose(check.analytic["dense_1.W"], check.numerical["dense_1.W"], atol=1e-8)
    lines = str(check).splitlines()
    assert len(lines) == 4
    assert all("relative error" in line and "e-" in line for line in lines)


def test_numerical_gradient_of_a_known_function() -> None:
    values = np.array([[1.0, -2.0], [0.5, 3.0]])
    kept = values.copy()
    gradient = nn.numerical_gradient(lambda: float(np.sum(values**3)), values)
    np.testing.assert_allclose(gradient, 3 * values**2, rtol=1e-8)
    np.testing.assert_array_equal(values, kept)
    some = nn.numerical_gradient(lambda: float(np.sum(values**3)), values, np.array([0, 3]))
    np.testing.assert_array_equal(np.isnan(some), [[False, True], [True, False]])


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [([3, 4], [3, 4], 0), ([0, 0], [0, 0], 0), ([3, 4], [0, 0], 1), ([3, 4], [-3, -4], 2), ([10, 0], [5, 0], 0.5)],
)
def test_relative_error(a, b, error) -> None:
    assert nn.relative_error(np.array(a, float), np.array(b, float)) == pytest.approx(error)
    assert nn.relative_error(np.array(b, float), np.array(a, float)) == pytest.approx(error)
