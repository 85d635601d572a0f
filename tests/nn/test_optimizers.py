"""Optimizers: each step as its paper writes it, in the dtype of the network, and all of them learn."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

Steps = Callable[[np.ndarray, list[np.ndarray], list[float]], np.ndarray]


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Steps:
    def steps(p, gradients, rates):
        v = np.zeros_like(p)
        for g, rate in zip(gradients, rates, strict=True):
            v = momentum * v + g
            p = p - rate * (g + momentum * v if nesterov else v)
        return p

    return steps


def rmsprop(rho: float = 0.9, epsilon: float = 1e-8) -> Steps:
    def steps(p, gradients, rates):
        s = np.zeros_like(p)
        for g, rate in zip(gradients, rates, strict=True):
            s = rho * s + (1 - rho) * g**2
            p = p - rate * g / (np.sqrt(s) + epsilon)
        return p

    return steps


def adam(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, weight_decay: float = 0.0) -> Steps:
    def steps(p, gradients, rates):
        m, v = np.zeros_like(p), np.zeros_like(p)
        for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), 1):
            p = p * (1 - rate * weight_decay)
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            p = p - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        return p

    return steps


PAPERS: list[tuple[Callable[[], nn.Optimizer], Steps]] = [
    (lambda: nn.SGD(), sgd()),
    (lambda: nn.SGD(momentum=0.9), sgd(0.9)),
    (lambda: nn.SGD(momentum=0.8, nesterov=True), sgd(0.8, nesterov=True)),
    (lambda: nn.RMSprop(), rmsprop()),
    (lambda: nn.RMSprop(rho=0.5, epsilon=0.1), rmsprop(0.5, 0.1)),
    (lambda: nn.RMSprop(rho=0.0), rmsprop(0.0)),
    (lambda: nn.Adam(), adam()),
    (lambda: nn.Adam(beta1=0.5, beta2=0.9, epsilon=0.1), adam(0.5, 0.9, 0.1)),
    (lambda: nn.Adam(beta1=0.0, beta2=0.0), adam(0.0, 0.0)),
    (lambda: nn.AdamW(weight_decay=0.3), adam(weight_decay=0.3)),
]
every_optimizer = pytest.mark.parametrize(
    "make", [make for make, _ in PAPERS], ids=[repr(make()) for make, _ in PAPERS]
)


@pytest.mark.parametrize(("make", "steps"), PAPERS, ids=[repr(make()) for make, _ in PAPERS])
@settings(deadline=None, max_examples=15)
@given(size=st.integers(1, 30), count=st.integers(1, 8), seed=st.integers(0, 1000))
def test_steps_are_those_of_the_paper_also_while_the_rate_changes(make, steps, size, count, seed) -> None:
    random = np.random.default_rng(seed)
    p = random.normal(size=size)
    gradients = [random.normal(size=size) for _ in range(count)]
    rates = list(random.uniform(0.001, 0.1, count))
    wanted = steps(p, gradients, rates)
    optimizer = make()
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.step(p, g, rate)
    np.testing.assert_allclose(p, wanted, rtol=1e-10, atol=1e-12)
    assert optimizer.steps == count


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_keeps_the_dtype_and_the_gradient(make, dtype, random) -> None:
    optimizer, p = make(), random.normal(size=50).astype(dtype)
    g = random.normal(size=50).astype(dtype)
    kept = g.copy()
    for _ in range(3):
        optimizer.step(p, g, 0.01)
    assert p.dtype == dtype
    np.testing.assert_array_equal(g, kept)
    assert set(optimizer.state) == set(optimizer.memory)
    assert {name: vector.dtype for name, vector in optimizer.state.items() if vector.dtype != dtype} == {}


@every_optimizer
def test_one_optimizer_after_a_float32_network_is_as_precise_for_a_float64_one(make, random) -> None:
    used = make()
    used.step(np.ones(20, np.float32), np.ones(20, np.float32), 0.1)
    p, g = random.normal(size=20), random.normal(size=20)
    results = []
    for optimizer in (used, make()):
        copy = p.copy()
        optimizer.step(copy, g.copy(), 0.1)
        results.append(copy)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-14)


@every_optimizer
def test_reset_forgets_everything(make, random) -> None:
    p, g = random.normal(size=9), random.normal(size=9)
    used, results = make(), []
    for _ in range(2):
        used.step(p.copy(), random.normal(size=9), 0.1)
    used.reset(p)
    for optimizer in (used, make()):
        copy = p.copy()
        for _ in range(2):
            optimizer.step(copy, g.copy(), 0.1)
        results.append(copy)
    np.testing.assert_array_equal(results[0], results[1])
    assert used.steps == 2


@every_optimizer
def test_a_stopped_optimizer_goes_on_from_its_steps_and_state(make, random) -> None:
    p, gradients = random.normal(size=9), random.normal(size=(6, 9))
    through, stopped, resumed = make(), make(), make()
    there, here = p.copy(), p.copy()
    for g in gradients:
        through.step(there, g.copy(), 0.01)
    for g in gradients[:3]:
        stopped.step(here, g.copy(), 0.01)
    resumed.reset(here)
    resumed.steps = stopped.steps
    resumed.state = {name: vector.copy() for name, vector in stopped.state.items()}
    for g in gradients[3:]:
        resumed.step(here, g.copy(), 0.01)
    np.testing.assert_array_equal(there, here)


def test_each_optimizer_remembers_what_its_paper_names() -> None:
    p, g = np.ones(3), np.array([1.0, -2, 0])
    remembered = {}
    for optimizer in (nn.SGD(), nn.SGD(momentum=0.5), nn.RMSprop(rho=0.75), nn.Adam(beta1=0.5, beta2=0.75)):
        optimizer.step(p.copy(), g, 0.1)
        remembered[repr(optimizer)] = {name: vector.tolist() for name, vector in optimizer.state.items()}
    assert remembered == {
        "SGD()": {},
        "SGD(momentum=0.5)": {"velocity": [1, -2, 0]},
        "RMSprop(rho=0.75)": {"square": [0.25, 1, 0]},
        "Adam(beta1=0.5, beta2=0.75)": {"m": [0.5, -1, 0], "v": [0.25, 1, 0]},
    }


@every_optimizer
def test_another_vector_to_move_is_a_new_beginning(make, random) -> None:
    """One of another length or type, that is: what was remembered means nothing there."""
    optimizer = make()
    optimizer.step(random.normal(size=9), random.normal(size=9), 0.1)
    assert optimizer.fits(np.empty(9))
    for p in (random.normal(size=5), random.normal(size=5).astype(np.float32)):
        assert optimizer.fits(p) == (not optimizer.memory)
        g, fresh, twin = p[::-1].copy(), make(), p.copy()
        optimizer.step(p, g, 0.1)
        fresh.step(twin, g, 0.1)
        np.testing.assert_array_equal(p, twin)


def test_memories_of_another_kind_of_optimizer_do_not_fit() -> None:
    adam, rmsprop, p = nn.Adam(), nn.RMSprop(), np.ones(3)
    adam.reset(p)
    rmsprop.state = adam.state
    assert adam.fits(p)
    assert not rmsprop.fits(p)


def test_weight_decay_spares_the_biases(random) -> None:
    p, g = random.normal(size=10), random.normal(size=10)
    decayed, plain = p.copy(), p.copy()
    nn.AdamW(weight_decay=0.5).step(decayed, g.copy(), 0.1, decayed=6)
    nn.Adam().step(plain, g.copy(), 0.1)
    np.testing.assert_allclose(decayed[:6], plain[:6] - 0.1 * 0.5 * p[:6], rtol=1e-12)
    np.testing.assert_array_equal(decayed[6:], plain[6:])


def test_the_first_step_of_adam_is_one_learning_rate_whatever_the_gradient() -> None:
    p = np.zeros(4)
    nn.Adam().step(p, np.array([1e-3, -1.0, 50, -1e4]), 0.01)
    np.testing.assert_allclose(p, [-0.01, 0.01, -0.01, 0.01], rtol=1e-4)


@every_optimizer
def test_a_rate_of_zero_goes_nowhere(make, random) -> None:
    p = random.normal(size=5)
    kept = p.copy()
    make().step(p, random.normal(size=5), 0.0)
    np.testing.assert_array_equal(p, kept)


@every_optimizer
def test_a_gradient_of_zero_moves_nothing_but_decay(make) -> None:
    p = np.ones(5)
    optimizer = make()
    optimizer.step(p, np.zeros(5), 0.1)
    np.testing.assert_allclose(p, 1 - 0.1 * getattr(optimizer, "weight_decay", 0), rtol=1e-15)


class TestClipping:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_long_gradient_is_shortened_in_its_direction(self, dtype, random) -> None:
        g = random.normal(size=40).astype(dtype)
        p = np.zeros(40, dtype)
        nn.SGD(clip_norm=0.5).step(p, g.copy(), 1.0)
        assert p.dtype == dtype
        assert np.linalg.norm(p) == pytest.approx(0.5, rel=1e-6)
        np.testing.assert_allclose(-p, g * 0.5 / np.linalg.norm(g), rtol=1e-5)

    def test_a_short_one_is_left_alone(self, random) -> None:
        g = random.normal(size=40)
        g *= 0.49 / np.linalg.norm(g)
        p = np.zeros(40)
        nn.SGD(clip_norm=0.5).step(p, g.copy(), 1.0)
        np.testing.assert_array_equal(p, -g)

    @pytest.mark.parametrize("norm", [0.5, 100.0])
    @pytest.mark.parametrize("kind", nn.OPTIMIZERS.values())
    def test_the_gradient_itself_stays_as_long_as_it_was(self, kind, norm, random) -> None:
        g = random.normal(size=40)
        kept = g.copy()
        optimizer = kind(0.1, clip_norm=norm)
        assert np.linalg.norm(optimizer.clipped(g)) == pytest.approx(min(norm, np.linalg.norm(g)))
        optimizer.step(np.zeros(40), g, 0.1)
        np.testing.assert_array_equal(g, kept)

    def test_nothing_at_all_has_no_length_to_shorten(self) -> None:
        np.testing.assert_array_equal(nn.SGD(clip_norm=0.5).clipped(np.zeros(4)), np.zeros(4))

    @pytest.mark.parametrize("kind", nn.OPTIMIZERS.values())
    def test_every_optimizer_can_clip(self, kind, random) -> None:
        p, g = random.normal(size=40), random.normal(size=40)
        clipped, by_hand = p.copy(), p.copy()
        kind(0.1, clip_norm=0.5).step(clipped, g.copy(), 0.1)
        kind(0.1).step(by_hand, g * 0.5 / np.linalg.norm(g), 0.1)
        np.testing.assert_allclose(clipped, by_hand, rtol=1e-12)

    @pytest.mark.parametrize("norm", [0, -1, float("nan")])
    def test_a_length_must_be_above_zero(self, norm) -> None:
        with pytest.raises(ValueError, match=r"SGD: clip_norm is .*, but must be above 0"):
            nn.SGD(clip_norm=norm)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.SGD(-0.1), "SGD: learning_rate is -0.1"),
        (lambda: nn.Adam(float("nan")), "Adam: learning_rate is nan"),
        (lambda: nn.Adam("fast"), "Adam: learning_rate is 'fast'"),
        (lambda: nn.SGD(momentum=1), "SGD: momentum is 1"),
        (lambda: nn.SGD(nesterov=True), "SGD: nesterov .* needs momentum above 0"),
        (lambda: nn.RMSprop(rho=1), "RMSprop: rho is 1"),
        (lambda: nn.RMSprop(epsilon=-1), "RMSprop: epsilon is -1"),
        (lambda: nn.Adam(beta1=1), "Adam: beta1 is 1"),
        (lambda: nn.AdamW(beta2=-0.1), "AdamW: beta2 is -0.1"),
        (lambda: nn.AdamW(weight_decay=-1), "AdamW: weight_decay is -1"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.float16(0.5)])
def test_numbers_of_numpy_as_settings_are_plain_ones_in_the_description(number) -> None:
    for optimizer in (nn.SGD(number, number), nn.RMSprop(number, number, number), nn.AdamW(number, number, number)):
        assert json.loads(json.dumps(optimizer.config())) == optimizer.config()


def test_a_rate_is_a_number_or_follows_a_schedule() -> None:
    assert nn.SGD(0.3).rate_at(5, 10) == 0.3
    schedule = nn.Cosine(0.3)
    assert nn.SGD(schedule).rate_at(5, 10) == schedule(5, 10)


XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])


def learn_xor(optimizer: nn.Optimizer, *layers: nn.Layer, loss: nn.Loss | None = None, steps: int = 500) -> int:
    """How many of the four answers are right in the end."""
    network = nn.Network(layers, input_shape=2, loss=loss, seed=3)
    for step in range(steps):
        network.compute_gradients(*XOR)
        rate = optimizer.rate_at(step, steps)
        optimizer.step(network.parameters, network.gradients, rate, network.weight_count)
    return network.score(*XOR)[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.SGD(0.5),
        lambda: nn.SGD(0.1, momentum=0.9),
        lambda: nn.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: nn.SGD(nn.OneCycle(1.0), clip_norm=1.0),
        lambda: nn.RMSprop(0.01),
        lambda: nn.Adam(0.02),
        lambda: nn.Adam(nn.WarmUp(nn.Cosine(0.05), 20)),
        lambda: nn.AdamW(0.02),
    ],
    ids=lambda make: repr(make()),
)
def test_every_optimizer_learns_what_no_straight_line_can_tell(make) -> None:
    assert learn_xor(make(), nn.Dense(8), nn.Tanh(), nn.Dense(2)) == 4


def test_without_an_activation_it_cannot_be_learned() -> None:
    assert learn_xor(nn.Adam(0.02), nn.Dense(8), nn.Dense(2)) < 4


@pytest.mark.parametrize("loss", [nn.MeanSquaredError("sum"), nn.SigmoidBinaryCrossEntropy()], ids=repr)
def test_every_loss_learns_it_too(loss) -> None:
    last = [nn.Sigmoid()] if isinstance(loss, nn.MeanSquaredError) else []
    assert learn_xor(nn.Adam(0.05), nn.Dense(8), nn.Tanh(), nn.Dense(2), *last, loss=loss) == 4
