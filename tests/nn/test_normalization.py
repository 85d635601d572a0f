"""Batch normalization: the batch's own statistics while training, the kept ones afterwards, and none of them lost."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.storage import load_model, save_model
from inkling.training import trace

SHAPES = [(6,), (4, 5, 3), (1, 1, 2)]
every_shape = pytest.mark.parametrize("shape", SHAPES)


def settle(shape: tuple[int, ...], dtype: type = np.float64, **arguments: float) -> nn.BatchNorm:
    """The layer at home in a network, gamma and beta away from their first values."""
    layer = nn.BatchNorm(**arguments)
    nn.Network([layer, nn.Flatten()], input_shape=shape, dtype=dtype)
    random = np.random.default_rng(4)
    layer.gamma[...] = random.uniform(0.5, 2, layer.gamma.shape)
    layer.beta[...] = random.normal(size=layer.beta.shape)
    return layer


def network(dtype: type = np.float64) -> nn.Network:
    layers = [nn.Conv2D(4), nn.BatchNorm(), nn.ReLU(), nn.Dense(6), nn.BatchNorm(momentum=0.5), nn.Tanh(), nn.Dense(3)]
    return nn.Network(layers, input_shape=(6, 5, 1), dtype=dtype, seed=2, l2=0.1)


def train(net: nn.Network, random: np.random.Generator, steps: int = 3) -> None:
    for _ in range(steps):
        net.compute_gradients(random.normal(1, 2, (7, 6, 5, 1)).astype(net.dtype), random.integers(0, 3, 7))
        net.parameters -= 0.1 * net.gradients


@every_shape
def test_every_feature_comes_out_with_mean_beta_and_deviation_gamma(shape, random) -> None:
    layer = settle(shape, epsilon=0)
    out = layer.forward(random.normal(5, 3, (50, *shape)), training=True).reshape(-1, shape[-1])
    np.testing.assert_allclose(out.mean(axis=0), layer.beta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(out.std(axis=0), layer.gamma, rtol=1e-10)


@pytest.mark.parametrize("training", [True, False])
@settings(deadline=None, max_examples=25)
@given(shape=st.sampled_from(SHAPES), batch=st.integers(1, 5), seed=st.integers(0, 99))
def test_backward_is_the_derivative_of_forward(training, shape, batch, seed) -> None:
    random = np.random.default_rng(seed)
    layer = settle(shape, epsilon=0.1)  # large, for where all numbers of a feature are the same
    layer.running_mean[...], layer.running_variance[...] = (
        random.normal(size=shape[-1]),
        random.uniform(1, 2, shape[-1]),
    )
    x, dout = random.normal(size=(batch, *shape)), random.normal(size=(batch, *shape))

    def weighted() -> float:
        return float(np.sum(dout * layer.forward(x, training=training)))

    weighted()
    found = [layer.backward(dout), layer.dgamma.copy(), layer.dbeta.copy()]
    kept = layer.running_mean.copy(), layer.running_variance.copy()
    for ours, values in zip(found, (x, layer.gamma, layer.beta), strict=True):
        np.testing.assert_allclose(ours, nn.numerical_gradient(weighted, values), rtol=1e-5, atol=1e-7)
    if not training:
        np.testing.assert_array_equal(kept, [layer.running_mean, layer.running_variance])


@every_shape
def test_beside_pytorch(shape, random) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the other side of the comparison")
    layer = settle(shape, momentum=0.8)
    kind = torch.nn.BatchNorm1d if len(shape) == 1 else torch.nn.BatchNorm2d
    peer = kind(shape[-1], momentum=0.2).double()
    with torch.no_grad():
        peer.weight.copy_(torch.from_numpy(layer.gamma))
        peer.bias.copy_(torch.from_numpy(layer.beta))
    there, back = ((0, 3, 1, 2), (0, 2, 3, 1)) if len(shape) == 3 else ((0, 1), (0, 1))
    for training, batch in ((True, 8), (True, 3), (False, 5), (True, 2), (False, 1)):
        peer.train(training)
        x, dout = random.normal(3, 2, (batch, *shape)), random.normal(size=(batch, *shape))
        features = torch.from_numpy(x).permute(there).requires_grad_()
        peer.zero_grad()
        outputs = peer(features)
        outputs.backward(torch.from_numpy(dout).permute(there))
        theirs = [
            outputs.detach().permute(back), features.grad.permute(back), peer.weight.grad, peer.bias.grad,
            peer.running_mean, peer.running_var,
        ]  # fmt: skip
        out = layer.forward(x, training=training)
        ours = [out, layer.backward(dout), layer.dgamma, layer.dbeta, layer.running_mean, layer.running_variance]
        for number, wanted in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(number, wanted.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_shape
def test_it_computes_in_the_dtype_of_its_network(shape, dtype, random) -> None:
    layer = settle(shape, dtype)
    x = random.normal(size=(3, *shape)).astype(dtype)
    for training in (True, False):
        out = layer.forward(x, training=training)
        assert out.dtype == dtype
        assert layer.backward(np.ones_like(out)).dtype == dtype
    for name, value in vars(layer).items():
        assert not isinstance(value, np.ndarray) or value.dtype == dtype, name


@every_shape
def test_numbers_of_numpy_as_settings_make_nothing_float64(shape, random) -> None:
    layer = settle(shape, np.float32, momentum=np.float64(0.9), epsilon=np.float64(1e-5))
    x = random.normal(size=(3, *shape)).astype(np.float32)
    for training in (True, False):
        assert layer.forward(x, training=training).dtype == np.float32
        assert layer.backward(x).dtype == np.float32


@every_shape
def test_neither_way_changes_what_it_is_given_nor_what_it_gave(shape, random) -> None:
    layer = settle(shape)
    for training in (True, False):
        x, dout = random.normal(size=(2, 5, *shape))
        arrays = [x, dout, layer.forward(x, training=training), layer.backward(dout)]
        kept = [array.copy() for array in arrays]
        layer.forward(-x, training=True)
        layer.backward(-dout)
        for array, before in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(array, before)


def test_float32_does_not_suffer_from_a_large_mean(random) -> None:
    single, exact = settle((5,), np.float32), settle((5,))
    x = random.normal(300, 1, (100, 5)).astype(np.float32)
    np.testing.assert_allclose(
        single.forward(x, training=True), exact.forward(x.astype(float), training=True), rtol=1e-3, atol=1e-3
    )


def test_a_single_sample_is_all_mean_and_no_variance() -> None:
    layer = settle((4,))
    out = layer.forward(np.array([[1.0, 2, 3, 4]]), training=True)
    np.testing.assert_array_equal(out, [layer.beta])
    assert np.isfinite(layer.running_variance).all()
    np.testing.assert_array_equal(layer.backward(np.ones((1, 4))), np.zeros((1, 4)))


@every_shape
def test_a_short_batch_after_a_long_one_sees_nothing_of_it(shape, random) -> None:
    used = settle(shape)
    for batch in (5, 2, 1, 8, 3):
        fresh = settle(shape)
        x, dout = random.normal(size=(batch, *shape)), random.normal(size=(batch, *shape))
        outs = [layer.forward(x, training=True) for layer in (used, fresh)]
        np.testing.assert_allclose(outs[0], outs[1], rtol=1e-12, atol=1e-13)
        dxs = [layer.backward(dout) for layer in (used, fresh)]
        np.testing.assert_allclose(dxs[0], dxs[1], rtol=1e-12, atol=1e-13)


class TestWhatIsKept:
    def test_it_begins_as_if_all_were_normal_already(self) -> None:
        layer = nn.BatchNorm()
        nn.Network([layer], input_shape=3)
        for values, first in ((layer.gamma, 1), (layer.beta, 0), (layer.running_mean, 0), (layer.running_variance, 1)):
            np.testing.assert_array_equal(values, [first] * 3)

    def test_the_running_values_move_by_one_minus_momentum(self, random) -> None:
        layer = settle((3,), momentum=0.75)
        x = random.normal(2, 3, (10, 3))
        layer.forward(x, training=True)
        np.testing.assert_allclose(layer.running_mean, 0.25 * x.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(layer.running_variance, 0.75 + 0.25 * x.var(axis=0, ddof=1), rtol=1e-12)

    def test_they_settle_on_the_values_of_the_data_and_predictions_go_by_them(self, random) -> None:
        layer = settle((2,), epsilon=0)
        for _ in range(300):
            layer.forward(random.normal([5, -1], [2, 0.5], (200, 2)), training=True)
        np.testing.assert_allclose(layer.running_mean, [5, -1], atol=0.1)
        np.testing.assert_allclose(layer.running_variance, [4, 0.25], rtol=0.1)
        out = layer.forward(np.array([[5.0, -1]]), training=False)
        np.testing.assert_allclose(out, [layer.beta], atol=0.1)

    def test_predicting_moves_nothing(self, random) -> None:
        net, x = network(), random.normal(size=(4, 6, 5, 1))
        train(net, random)
        before = net.state.copy()
        net.predict_proba(x)
        net.score(x, np.zeros(4, int))
        net.input_gradient(x, np.zeros(4, int))
        trace(net, x, np.zeros(4, int))
        nn.gradcheck(net, x, np.zeros(4, int), at_most=2)
        np.testing.assert_array_equal(net.state, before)

    def test_it_goes_by_name_in_one_flat_vector_and_is_not_learned(self, random) -> None:
        net = network()
        names = [f"batchnorm_{k}.running_{what}" for k in (1, 2) for what in ("mean", "variance")]
        assert [name for name, _ in net.named_state()] == names
        assert all(np.shares_memory(array, net.state) for _, array in net.named_state())
        assert net.state.shape == (2 * 4 + 2 * 6,)
        assert not any("running" in name for name, _ in net.named_parameters())
        net.state[...] = 7
        assert (net.layers[1].running_mean == 7).all()

    def test_neither_gamma_nor_beta_is_decayed(self) -> None:
        decayed = {name for name, _ in list(network().named_parameters())[:3]}
        assert decayed == {"conv2d_1.W", "dense_1.W", "dense_2.W"}
        assert network().weight_count == 9 * 4 + 4 * 3 * 4 * 6 + 6 * 3

    def test_a_file_keeps_it(self, tmp_path, random) -> None:
        net, x = network(np.float32), random.normal(size=(5, 6, 5, 1)).astype(np.float32)
        train(net, random)
        loaded = load_model(save_model(net, tmp_path / "m.safetensors"))
        np.testing.assert_array_equal(loaded.state, net.state)
        np.testing.assert_array_equal(loaded.predict_proba(x), net.predict_proba(x))

    def test_copies_and_pickles_keep_it_each_its_own(self, random) -> None:
        net, x = network(), random.normal(size=(5, 6, 5, 1))
        train(net, random)
        for twin in (pickle.loads(pickle.dumps(net)), copy.copy(net), copy.deepcopy(net)):
            np.testing.assert_array_equal(twin.predict_proba(x), net.predict_proba(x))
            twin.state[...] = 1
            assert not np.array_equal(twin.state, net.state)

    def test_a_replica_shares_it(self, random) -> None:
        net, x = network(), random.normal(size=(5, 6, 5, 1))
        twin = net.replica()
        train(net, random)
        np.testing.assert_array_equal(twin.predict_proba(x), net.predict_proba(x))
        assert np.shares_memory(twin.layers[1].running_mean, net.layers[1].running_mean)

    def test_it_moves_to_another_vector_with_the_parameters(self, random) -> None:
        net, x = network(), random.normal(size=(5, 6, 5, 1))
        train(net, random)
        wanted = net.predict_proba(x)
        elsewhere = net.state.copy()
        net.state[...] = np.nan
        net.adopt(net.parameters.copy(), net.gradients.copy(), elsewhere)
        assert net.state is elsewhere
        assert np.shares_memory(net.layers[1].running_mean, elsewhere)
        np.testing.assert_array_equal(net.predict_proba(x), wanted)

    def test_forgetting_what_was_learned_forgets_it_too(self, random) -> None:
        net, fresh = network(), network()
        train(net, random)
        net.initialize()
        np.testing.assert_array_equal(net.state, fresh.state)
        np.testing.assert_array_equal(net.parameters, fresh.parameters)


@pytest.mark.parametrize(("arguments", "said"), [
    ({"momentum": 1.5}, r"momentum is 1.5, but must lie in \[0, 1\]"), ({"momentum": -0.1}, "momentum is -0.1"),
    ({"epsilon": -1}, "epsilon is -1"), ({"epsilon": float("inf")}, "epsilon is inf"),
])  # fmt: skip
def test_arguments_that_make_no_sense(arguments, said) -> None:
    with pytest.raises(ValueError, match=f"BatchNorm: {said}"):
        nn.BatchNorm(**arguments)
