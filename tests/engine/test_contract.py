"""Every engine computes what `inkling.nn` says, with any number of workers: the engines' contract."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.engine.conftest import check_alike, needs_numba, numbers_after, plan_of, some_images

from inkling import nn
from inkling.data import Augment

ENGINES = ["numpy", pytest.param("compiled", marks=needs_numba)]
WORKERS = (1, 2, 3, 7)
EXACT = 1e-10

activations = st.sampled_from([nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Identity, lambda: nn.LeakyReLU(0.3)])
losses = st.sampled_from(
    [
        lambda: nn.SoftmaxCrossEntropy(),
        lambda: nn.SoftmaxCrossEntropy("sum", 0.1),
        lambda: nn.SigmoidBinaryCrossEntropy("mean", 0.2),
        lambda: nn.MeanSquaredError("sum"),
        lambda: nn.MeanSquaredError("mean", 0.1),
    ]
)
# The large ε keeps gradients that are 0 but for rounding (of biases before a BatchNorm) from becoming steps.
optimizers = st.sampled_from(
    [
        lambda clip: nn.SGD(clip_norm=clip),
        lambda clip: nn.SGD(momentum=0.9, clip_norm=clip),
        lambda clip: nn.SGD(momentum=0.8, nesterov=True, clip_norm=clip),
        lambda clip: nn.RMSprop(epsilon=1e-2, clip_norm=clip),
        lambda clip: nn.Adam(epsilon=1e-2, clip_norm=clip),
        lambda clip: nn.AdamW(weight_decay=0.1, epsilon=1e-2, clip_norm=clip),
    ]
)


@st.composite
def architectures(draw: st.DrawFn) -> tuple[tuple[int, ...], list]:
    """An input shape, and functions that make the layers of a network for it."""
    layers: list = []
    if draw(st.booleans()):
        shape: tuple[int, ...] = (draw(st.integers(10, 15)), draw(st.integers(10, 15)), draw(st.sampled_from([1, 3])))
        for _ in range(draw(st.integers(1, 2))):
            channels, kernel = draw(st.sampled_from([1, 3, 8, 17])), draw(st.sampled_from([1, 2, 3, (3, 2)]))
            stride, padding = draw(st.sampled_from([1, 1, 2, (1, 2)])), draw(st.sampled_from(["valid", "same"]))
            layers.append(lambda c=channels, k=kernel, s=stride, p=padding: nn.Conv2D(c, k, s, p))
            layers += draw(st.sampled_from([[], [nn.BatchNorm], [lambda: nn.Dropout(0.3)]]))
            pool = draw(st.sampled_from([None, nn.MaxPool2D, lambda: nn.MaxPool2D(2, 1), nn.AveragePool2D]))
            layers += [pool] if pool and len(layers) < 3 else []
            layers.append(draw(activations))
        layers.append(draw(st.sampled_from([nn.Flatten, nn.GlobalAveragePool2D])))
    else:
        shape = draw(st.sampled_from([(5,), (6, 7), (9, 8, 1)]))
        layers += draw(st.sampled_from([[], [nn.Flatten], [lambda: nn.Dropout(0.2)]]))
    for _ in range(draw(st.integers(0, 2))):
        units = draw(st.sampled_from([1, 7, 16, 40, 64, 97]))
        layers.append(lambda u=units: nn.Dense(u))
        layers += draw(st.sampled_from([[], [nn.BatchNorm]]))
        layers.append(draw(activations))
        layers += draw(st.sampled_from([[], [lambda: nn.Dropout(0.4)]]))
    layers.append(lambda: nn.Dense(10))
    layers += draw(st.sampled_from([[], [], [nn.Sigmoid]]))
    return shape, layers


def of_loss(loss: nn.Loss, layers: list[nn.Layer]) -> list[nn.Layer]:
    """The layers, without a last one that the loss applies itself."""
    return layers[:-1] if isinstance(layers[-1], nn.Sigmoid) and not isinstance(loss, nn.MeanSquaredError) else layers


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    architecture=architectures(),
    loss=losses,
    optimizer=optimizers,
    sizes=st.lists(st.sampled_from([1, 2, 5, 13, 17]), min_size=1, max_size=3),
    l2=st.sampled_from([0.0, 0.01]),
    clip=st.sampled_from([None, 0.1]),
    ink=st.sampled_from([0.1, 0.3, 0.9]),
    weighted=st.booleans(),
    workers=st.sampled_from(WORKERS),
)
def test_an_engine_takes_the_steps_of_the_definition(
    engine, architecture, loss, optimizer, sizes, l2, clip, ink, weighted, workers
) -> None:
    shape, makers = architecture
    samples = some_images(40, shape, ink=ink, weighted=weighted)
    random = np.random.default_rng(1)
    batches = [random.permutation(40)[:size] for size in sizes]

    def after(name: str, count: int) -> dict[str, np.ndarray]:
        kind = loss()
        layers = of_loss(kind, [make() for make in makers])
        try:
            network = nn.Network(layers, input_shape=shape, dtype=np.float64, loss=kind, l2=l2)
        except nn.ShapeError:  # nothing was left of the image for another window
            reject()
        # Biases that begin at 0 leave it to rounding whether a ReLU lets a blank image through.
        biases = network.parameters[network.weight_count :]
        biases += np.linspace(0.01, 0.1, len(biases))
        return numbers_after(plan_of(name, network, optimizer(clip), samples, max(sizes), count), batches)

    check_alike(after(engine, workers), after("reference", 1), EXACT)


def convolutional(dtype: type) -> nn.Network:
    """A network with everything in it that depends on who computes what."""
    layers = [
        nn.Conv2D(4, 3), nn.BatchNorm(), nn.MaxPool2D(), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Dense(20),
        nn.BatchNorm(), nn.ReLU(), nn.Dense(10),
    ]  # fmt: skip
    return nn.Network(layers, input_shape=(12, 12, 1), dtype=dtype)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, EXACT), (np.float32, 2e-4)])
def test_distortions_dropout_and_batch_statistics_are_those_of_the_whole_batch(
    engine, workers, dtype, tolerance
) -> None:
    samples = some_images(60, (12, 12))
    batches = [np.arange(0, 23), np.arange(23, 46), np.arange(46, 60)]
    augment = Augment(shift=2, rotate=20, elastic=1, thickness=0.5, erase=0.1, blur=0.5, noise=0.2)

    def after(name: str, count: int) -> dict[str, np.ndarray]:
        return numbers_after(plan_of(name, convolutional(dtype), nn.SGD(), samples, 23, count, augment), batches)

    check_alike(after(engine, workers), after("reference", 1), tolerance)


@pytest.mark.parametrize("engine", ["reference", *ENGINES])
def test_the_same_engine_seed_and_workers_give_the_same_bits(engine) -> None:
    samples, batches = some_images(60, (12, 12)), [np.arange(0, 23), np.arange(23, 46), np.arange(46, 60)]
    first, again = (
        numbers_after(plan_of(engine, convolutional(np.float32), nn.Adam(), samples, 23, 3), batches) for _ in range(2)
    )
    for name, values in first.items():
        assert values.tobytes() == again[name].tobytes(), name


@pytest.mark.parametrize("engine", ENGINES)
def test_whoever_changes_parameters_between_two_steps_is_followed(engine) -> None:
    samples, rows = some_images(30, (6, 6)), np.arange(30)

    def after(name: str) -> np.ndarray:
        network = nn.Network(
            [nn.Dense(12), nn.BatchNorm(), nn.ReLU(), nn.Dense(10)], input_shape=(6, 6), dtype=np.float64
        )
        optimizer = nn.SGD(momentum=0.9)
        with plan_of(name, network, optimizer, samples, 30, 2) as plan:
            plan.step(rows, 0.1)
            network.parameters *= 0.5
            network.state += 0.1
            plan.step(rows, 0.1)
            optimizer.reset(network.parameters)
            plan.step(rows, 0.1)
            network.adopt(network.parameters * 2, state=network.state * 2)
            plan.step(rows, 0.1)
        return np.concatenate([network.parameters, network.state, optimizer.state["velocity"]])

    np.testing.assert_allclose(after(engine), after("reference"), rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("engine", ["reference", *ENGINES])
def test_a_loss_that_is_no_number_teaches_nothing(engine) -> None:
    network = nn.Network([nn.Dense(10)], input_shape=4)
    samples = some_images(8, (4,))
    network.parameters[0] = np.inf
    before = network.parameters.copy()
    with plan_of(engine, network, nn.Adam(), samples, 8, 2) as plan, np.errstate(all="ignore"):
        loss, _ = plan.step(np.arange(8), 0.1)
    assert not np.isfinite(loss)
    np.testing.assert_array_equal(network.parameters, before)


@pytest.mark.parametrize("engine", ["reference", *ENGINES])
def test_samples_that_are_not_there_are_refused(engine) -> None:
    network, samples = nn.Network([nn.Dense(10)], input_shape=4), some_images(8, (4,))
    with plan_of(engine, network, nn.SGD(), samples, 8, 2) as plan:
        before = network.parameters.copy()
        with pytest.raises(IndexError):
            plan.step(np.array([0, 8]), 0.1)
        np.testing.assert_array_equal(network.parameters, before)
        plan.step(np.array([0, 7]), 0.1)
    samples.labels[3] = 10
    with pytest.raises(IndexError), plan_of(engine, network, nn.SGD(), samples, 8, 2) as plan:
        plan.step(np.arange(8), 0.1)


@pytest.mark.parametrize("engine", ["reference", *ENGINES])
@pytest.mark.parametrize("count", [0, 5, 8])
def test_a_batch_of_none_or_of_more_than_was_said_is_refused(engine, count) -> None:
    network, samples = nn.Network([nn.Dense(10)], input_shape=4), some_images(8, (4,))
    with plan_of(engine, network, nn.SGD(), samples, 4, 2) as plan:
        before = network.parameters.copy()
        with pytest.raises(nn.ShapeError, match="1 to 4 samples"):
            plan.step(np.arange(count), 0.1)
        np.testing.assert_array_equal(network.parameters, before)
        plan.step(slice(4, 8), 0.1)


@pytest.mark.parametrize("engine", ["reference", *ENGINES])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_plan_scores_as_the_network_does(engine, weighted) -> None:
    network = nn.Network([nn.Dense(12), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)], input_shape=(6, 6))
    samples = some_images(1100, (6, 6), weighted=weighted)
    with plan_of(engine, network, nn.SGD(), samples, 50, 2) as plan:
        plan.step(np.arange(50), 0.1)
        loss, right = plan.score(samples)
    expected = network.score(samples.images, samples.labels, samples.weights)
    assert (loss, right) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("pixels", ["float32", "float64", "int64"])
def test_pixels_may_be_floats_or_whole_numbers(engine, pixels) -> None:
    samples = some_images(20, (5, 4))
    samples.images = samples.images.astype(pixels) / (255 if pixels != "int64" else 1)
    if pixels == "int64":
        samples.images = samples.images.astype(np.int64) % 2

    def after(name: str) -> dict[str, np.ndarray]:
        network = nn.Network([nn.Dense(9), nn.Tanh(), nn.Dense(10)], input_shape=(5, 4), dtype=np.float64)
        return numbers_after(plan_of(name, network, nn.SGD(), samples, 20, 2), [np.arange(20)] * 2)

    check_alike(after(engine), after("reference"), EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_step_may_take_more_samples_than_fit_the_cache(engine) -> None:
    samples = some_images(1500, (6, 6))

    def after(name: str) -> dict[str, np.ndarray]:
        network = nn.Network(
            [nn.Dropout(0.1), nn.Dense(12), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)],
            input_shape=(6, 6),
            dtype=np.float64,
        )
        return numbers_after(plan_of(name, network, nn.SGD(), samples, 1500, 2), [slice(0, 1500), slice(3, 1400)])

    check_alike(after(engine), after("reference"), EXACT)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", [nn.Adam, nn.RMSprop, lambda: nn.SGD(momentum=0.5)])
def test_what_decays_towards_zero_never_becomes_denormal(engine, optimizer) -> None:
    samples = some_images(8, (6,), ink=0.9)
    network, kind = nn.Network([nn.Dense(10)], input_shape=6), optimizer()
    with plan_of(engine, network, kind, samples, 8) as plan:
        plan.step(np.arange(8), 0.01)
        samples.images[:, :3] = 0  # from here on, half of the weights have no gradient
        for _ in range(1200):
            plan.step(np.arange(8), 0.0)
    tiny = np.finfo(np.float32).tiny
    for name, vector in kind.state.items():
        assert not ((vector != 0) & (np.abs(vector) < tiny)).any(), name
