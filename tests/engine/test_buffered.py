"""The NumPy engine: its steps are those of `nn`, in blocks, in place, and never on numbers too small to be fast."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.conftest import Images, check_alike, numbers_after, plan_of, some_images
from threadpoolctl import threadpool_info

from inkling import nn
from inkling.engine.buffered import BufferedPlan, optimizers, outputs
from inkling.engine.buffered.optimizers import Mover
from inkling.engine.buffered.twins import TWINS, twin_of
from inkling.engine.protocol import Plan

EXACT = 1e-10


class Doubled(nn.Layer):
    """A layer of a user's own."""

    def forward(self, x, *, training):
        return 2 * x

    def backward(self, dout):
        return 2 * dout


class Centred(nn.Layer):
    """One that couples the samples of a batch."""

    def forward(self, x, *, training):
        return x - x.mean(axis=0)

    def backward(self, dout):
        return dout - dout.mean(axis=0)


class Halved(nn.Dense):
    """One that looks like one of Inkling's own."""

    def forward(self, x, *, training):
        return super().forward(x, training=training) / 2

    def backward(self, dz):
        return super().backward(dz / 2)


class Squared(nn.MeanSquaredError):
    """A loss of a user's own, which looks at the whole batch."""

    def gradient(self, outputs, labels, weights=None):
        return super().gradient(outputs, labels, weights) * len(labels)


FLAT: dict[str, Callable[[], list[nn.Layer]]] = {
    "dense": lambda: [nn.Dense(7)],
    "relu": lambda: [nn.Dense(7), nn.ReLU()],
    "leaky relu": lambda: [nn.Dense(7), nn.LeakyReLU(0.2)],
    "sigmoid": lambda: [nn.Dense(7), nn.Sigmoid()],
    "tanh": lambda: [nn.Dense(7), nn.Tanh(), nn.Identity()],
    "softmax": lambda: [nn.Dense(7), nn.Softmax()],
    "dropout": lambda: [nn.Dropout(0.1), nn.Dense(7), nn.Dropout(0.6)],
    "no dropout": lambda: [nn.Dense(7), nn.Dropout(0)],
    "batch norm": lambda: [nn.BatchNorm(), nn.Dense(7), nn.BatchNorm(0.5, 0.1), nn.ReLU()],
    "of one's own": lambda: [Halved(7), nn.ReLU(), Doubled(), Halved(5)],
    "coupled": lambda: [nn.Dense(7), Centred(), nn.ReLU()],
}
IMAGES: dict[str, Callable[[], list[nn.Layer]]] = {
    "convolution": lambda: [nn.Conv2D(3, 3), nn.ReLU()],
    "two convolutions": lambda: [nn.Conv2D(9, (3, 2), padding="same"), nn.Tanh(), nn.Conv2D(4, 4, (1, 2))],
    "strides": lambda: [nn.Conv2D(2, 2, (2, 1), "same"), nn.Conv2D(3, (1, 3), 2)],
    "max pooling": lambda: [nn.Conv2D(2, 1), nn.MaxPool2D()],
    "overlapping": lambda: [nn.Conv2D(2, 1), nn.MaxPool2D((2, 3), 1), nn.AveragePool2D(3, (2, 1)), nn.MaxPool2D(1)],
    "average pooling": lambda: [nn.Conv2D(2, 1), nn.AveragePool2D((3, 2))],
    "global pooling": lambda: [nn.Conv2D(5, 3), nn.GlobalAveragePool2D()],
    "batch norm of images": lambda: [nn.Conv2D(3, 2), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.3), nn.Flatten()],
}
LAYERS = FLAT | IMAGES
LOSSES = [
    nn.SoftmaxCrossEntropy(), nn.SoftmaxCrossEntropy("sum"), nn.SoftmaxCrossEntropy("mean", 0.1),
    nn.MeanSquaredError(), nn.MeanSquaredError("sum", 0.2),
    nn.SigmoidBinaryCrossEntropy(), nn.SigmoidBinaryCrossEntropy("sum", 0.1),
]  # fmt: skip
OPTIMIZERS: list[Callable[[], nn.Optimizer]] = [
    nn.SGD,
    lambda: nn.SGD(momentum=0.9),
    lambda: nn.SGD(momentum=0.8, nesterov=True, clip_norm=0.01),
    nn.RMSprop,
    lambda: nn.RMSprop(clip_norm=0.01),
    nn.Adam,
    lambda: nn.Adam(beta1=0, beta2=0.9, clip_norm=0.01),
    lambda: nn.AdamW(weight_decay=0.3),
]


def network_of(layers: list[nn.Layer], shape: tuple[int, ...], dtype: type = np.float64, **settings) -> nn.Network:
    """A network whose biases are not 0: there, a rounding error would decide on which side of a ReLU it is."""
    network = nn.Network([*layers, nn.Dense(10)], input_shape=shape, dtype=dtype, **settings)
    biases = network.parameters[network.weight_count :]
    biases += np.random.default_rng(3).normal(0, 0.1, len(biases)).astype(dtype)
    return network


def check_steps(
    make: Callable[[], list[nn.Layer]],
    samples: Images,
    batches: list,
    *,
    tolerance: float = EXACT,
    optimizer: Callable[[], nn.Optimizer] = nn.SGD,
    augment=None,
    **settings,
) -> Plan:
    """Fail unless gradients, parameters and all else are the reference's after each of the steps."""
    most = len(samples.images)
    plans = [
        plan_of(name, network_of(make(), samples.images.shape[1:], **settings), optimizer(), samples, most, 1, augment)
        for name in ("numpy", "reference")
    ]
    for rows in batches:
        ours, theirs = (numbers_after(plan, [rows]) | {"gradients": plan.network.gradients.copy()} for plan in plans)
        check_alike(ours, theirs, tolerance)
        steps, expected = ((plan.network.step, plan.optimizer.steps) for plan in plans)
        assert steps == expected
    return plans[0]


def shape_for(layers: str) -> tuple[int, ...]:
    return (9, 10, 2) if layers in IMAGES else (11,)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, 2e-4)])
def test_every_layer_learns_as_defined_in_batches_of_any_size(layers, dtype, tolerance) -> None:
    samples = some_images(100, shape_for(layers), ink=0.7)
    batches = [np.arange(61), np.arange(61, 100), slice(3, 4), slice(20, 25), np.arange(97)[::-1]]
    check_steps(LAYERS[layers], samples, batches, dtype=dtype, tolerance=tolerance)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_loss_is_that_of_the_whole_batch(loss, weighted) -> None:
    samples = some_images(1200, (11,), weighted=weighted)
    check_steps(FLAT["tanh"], samples, [np.arange(17), np.arange(1200), slice(5, 525)], loss=loss, l2=0.01)


@pytest.mark.parametrize("layers", FLAT)
def test_more_samples_than_a_block_learn_as_one_batch(layers) -> None:
    samples = some_images(1100, (11,), ink=0.7)
    check_steps(FLAT[layers], samples, [np.arange(1100), slice(0, 513), np.arange(1025)], l2=0.1)


def test_images_in_blocks_learn_as_one_batch() -> None:
    samples = some_images(600, (9, 10, 2), ink=0.7)
    layers = [*IMAGES["convolution"](), nn.Dropout(0.4), *IMAGES["overlapping"]()]
    check_steps(lambda: [layer.clone() for layer in layers], samples, [np.arange(600), slice(70, 590)])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda make: repr(make()))
def test_every_optimizer_steps_as_defined(optimizer) -> None:
    batches = [np.arange(40), np.arange(40, 60), slice(7, 44)]
    check_steps(FLAT["tanh"], some_images(60, (11,), ink=0.7), batches, optimizer=optimizer, l2=0.01)


@settings(max_examples=60, deadline=None)
@given(
    optimizer=st.sampled_from(OPTIMIZERS),
    size=st.sampled_from([1, 3, 1000, optimizers.BLOCK, optimizers.BLOCK + 1, 2 * optimizers.BLOCK + 5]),
    weights=st.integers(0, 1000),
    scale=st.sampled_from([1e-12, 1e-3, 1.0, 1e5]),
    seed=st.integers(0, 10),
)
def test_parameters_move_as_the_optimizer_says(optimizer, size, weights, scale, seed) -> None:
    random = np.random.default_rng(seed)

    class Vectors:
        """What a Mover wants of a network."""

        parameters, gradients, weight_count, state = random.normal(size=size), np.zeros(size), weights, np.zeros(0)
        dtype = np.dtype(np.float64)

    ours, theirs, expected = optimizer(), optimizer(), Vectors.parameters.copy()
    mover = Mover(Vectors.dtype)
    for _ in range(3):
        Vectors.gradients[...] = gradients = random.normal(size=size) * scale
        mover.step(ours, Vectors, 0.01)
        theirs.step(expected, gradients, 0.01, weights)
        np.testing.assert_array_equal(Vectors.gradients, gradients)
    np.testing.assert_allclose(Vectors.parameters, expected, rtol=1e-12, atol=1e-12)
    for name, vector in theirs.state.items():
        np.testing.assert_allclose(ours.state[name], vector, rtol=1e-12, atol=1e-14 * np.abs(vector).max())


class Shrinking(nn.Optimizer):
    """An optimizer of a user's own."""

    def update(self, p, g, rate):
        p *= 1 - rate


def test_an_optimizer_of_ones_own_takes_its_own_steps() -> None:
    check_steps(FLAT["relu"], some_images(30, (11,)), [np.arange(30)] * 2, optimizer=lambda: Shrinking(0.1))


def test_a_loss_of_ones_own_sees_the_whole_batch() -> None:
    check_steps(FLAT["relu"], some_images(700, (11,)), [np.arange(700)], loss=Squared())


def test_distortions_are_those_of_the_whole_batch() -> None:
    samples = some_images(600, (6, 7))

    def augment(images, random):
        return np.roll(images, random.integers(-2, 3), axis=1) * (random.random(images.shape) < 0.9)

    check_steps(FLAT["relu"], samples, [np.arange(600), np.arange(9)], augment=augment)


@pytest.mark.parametrize("kernel", [1, 2, (2, 3), 3, (3, 1)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_window_without_ink_gives_the_very_bias(kernel, padding) -> None:
    network = nn.Network(
        [nn.Conv2D(6, kernel, padding=padding), nn.ReLU(), nn.Dense(10)], input_shape=(14, 14), dtype=np.float64
    )
    (conv, *_), images = twin_of(network).layers, np.zeros((5, 14, 14))
    images[:, 5, 6] = 0.7
    expected = network.layers[0].forward(images, training=True)
    assert (conv.forward(images, training=True) != 0).sum() == (expected != 0).sum() > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda make: repr(make()))
def test_what_decays_is_0_before_it_is_denormal(optimizer, dtype) -> None:
    """Half of the weights get no gradient after the first step, and are pulled towards zero, from nearby."""
    random, kind = np.random.default_rng(0), np.finfo(dtype)

    class Vectors:
        parameters, gradients = random.normal(size=50).astype(dtype), random.normal(size=50).astype(dtype)
        weight_count, state = 50, np.full(3, kind.tiny * 7, dtype)

    Vectors.dtype = np.dtype(dtype)
    Vectors.parameters[20:30] = kind.tiny * 1e3
    ours, mover = optimizer(), Mover(Vectors.dtype)
    mover.step(ours, Vectors, 0.01)
    for vector in ours.state.values():
        vector[:10] = kind.tiny * random.uniform(1e7, 1e12, 10)
    Vectors.gradients[:25] = 0
    for step in range(700):
        mover.step(ours, Vectors, 0.01)
        for vector in (Vectors.parameters, *ours.state.values()):
            assert step < 100 or not ((np.abs(vector) < kind.tiny) & (vector != 0)).any()
    assert not Vectors.state.any()


def test_a_divisor_is_not_flushed_where_no_epsilon_hides_it() -> None:
    class Vectors:
        parameters, gradients = np.ones(4, np.float32), np.full(4, 1e-18, np.float32)
        weight_count, state, dtype = 4, np.zeros(0, np.float32), np.dtype(np.float32)

    ours, mover = nn.Adam(epsilon=0), Mover(Vectors.dtype)
    for _ in range(201):
        mover.step(ours, Vectors, 0.001)
    np.testing.assert_allclose(Vectors.parameters, 1 - 0.201, rtol=1e-3)


def test_the_same_bits_twice_and_after_a_new_beginning_in_the_middle() -> None:
    samples, batches = some_images(60, (9, 10, 2)), [np.arange(0, 23), np.arange(23, 46), np.arange(46, 60)] * 40

    def begin() -> Plan:
        layers = [*IMAGES["batch norm of images"](), nn.Dense(8), nn.ReLU(), nn.Dropout(0.5)]
        return plan_of("numpy", network_of(layers, (9, 10, 2), np.float32), nn.Adam(), samples, 23, 2)

    whole, halves = begin(), begin()
    first = numbers_after(whole, batches)
    numbers_after(halves, batches[:50])
    again = BufferedPlan(halves.network, halves.optimizer, samples, batch_size=23, workers=2)
    second = numbers_after(again, batches[50:])
    for name in ("parameters", "state", "optimizer m", "optimizer v"):
        assert first[name].tobytes() == second[name].tobytes(), name


def test_a_loss_that_is_no_number_teaches_nothing_but_counts_the_step() -> None:
    samples = some_images(30, (11,))
    plan = plan_of("numpy", network_of(FLAT["relu"](), (11,), np.float32), nn.Adam(), samples, 30)
    plan.network.parameters[0] = np.nan
    before = plan.network.parameters.copy()
    with plan, np.errstate(invalid="ignore"):
        assert np.isnan(plan.step(np.arange(30), 0.1)[0])
    assert (plan.network.step, plan.optimizer.steps) == (1, 0)
    np.testing.assert_array_equal(plan.network.parameters, before)


def test_the_twin_learns_in_the_networks_own_arrays_under_its_own_names() -> None:
    network = network_of([nn.Conv2D(3), nn.BatchNorm(), nn.Dropout(0.3), Doubled()], (9, 9))
    twin = twin_of(network)
    for mine, layer in zip(twin.layers, network.layers, strict=True):
        assert (mine.name, mine.key, mine.arguments()) == (layer.name, layer.key, layer.arguments())
        for name in layer.parameter_shapes():
            assert np.shares_memory(getattr(mine, name), getattr(layer, name))
            assert np.shares_memory(getattr(mine, f"d{name}"), getattr(layer, f"d{name}"))
        for name in layer.state_shapes():
            assert np.shares_memory(getattr(mine, name), getattr(layer, name))


def test_files_know_nothing_of_the_faster_layers() -> None:
    assert not {twin.__name__ for twin in TWINS.values()} & nn.Part.types.keys()
    for kind, twin in TWINS.items():
        assert issubclass(twin, kind)
        assert nn.Part.types[kind.__name__] is kind


def test_large_products_get_all_threads_and_small_ones_one() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    for units, expected in ((20, 1), (2000, 2)):
        network = nn.Network([nn.Dense(units), nn.Dense(10)])
        with plan_of("numpy", network, nn.SGD(), some_images(200, (28, 28, 1)), 200, 2):
            assert threads() == {expected}
        assert threads() == before


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("count", [0, 1, 513, 1030])
def test_outputs_are_those_of_the_network_and_leave_it_alone(layers, count) -> None:
    network = network_of(LAYERS[layers](), shape_for(layers))
    x = some_images(count, shape_for(layers)).images
    network.forward(some_images(2, shape_for(layers)).images)
    left = [dict(vars(layer)) for layer in network.layers]
    found = outputs(network, x)
    for layer, before in zip(network.layers, left, strict=True):
        assert all(value is before[name] for name, value in vars(layer).items())
    assert found.shape == (len(x), 10)
    expected = [network.forward(x[first : first + network.rows_at_once]) for first in range(0, len(x), 512)]
    np.testing.assert_allclose(found, np.concatenate([np.empty((0, 10)), *expected]), rtol=EXACT, atol=EXACT)


def test_outputs_may_be_asked_for_by_several_threads_at_once() -> None:
    network = network_of(IMAGES["two convolutions"](), (9, 10, 2), np.float32)
    batches = [some_images(300, (9, 10, 2), seed=seed).images for seed in range(6)]
    found: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        found[number] = outputs(network, batches[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, batch in enumerate(batches):
        assert found[number].tobytes() == outputs(network, batch).tobytes()
