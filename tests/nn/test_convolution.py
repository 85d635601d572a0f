"""Convolution: the numbers of the loops that define it, and of PyTorch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
sizes = st.integers(1, 9)
kernels = st.tuples(st.integers(1, 5), st.integers(1, 5))
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))


def settle(conv: nn.Conv2D, shape: tuple[int, ...], dtype: type = np.float64) -> nn.Conv2D:
    """The layer at home in a network, its parameters all different from zero."""
    network = nn.Network([conv, nn.Flatten()], input_shape=shape, dtype=dtype)
    network.parameters[...] = np.random.default_rng(1).normal(size=network.parameters.shape)
    return conv


def by_loops(x: np.ndarray, conv: nn.Conv2D) -> np.ndarray:
    """The definition, window by window; with "same", zeros around that make ⌈n / stride⌉ windows."""
    kh, kw, _, channels = conv.W.shape
    down, across = (conv.stride,) * 2 if isinstance(conv.stride, int) else conv.stride
    if conv.padding == "same":
        lacking = [
            max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[1:3], (down, across), (kh, kw), strict=True)
        ]
        around = [(n // 2, n - n // 2) for n in lacking]
        x = np.pad(x, [(0, 0), *around, (0, 0)])
    rows, columns = (x.shape[1] - kh) // down + 1, (x.shape[2] - kw) // across + 1
    z = np.empty((len(x), rows, columns, channels))
    for row in range(rows):
        for column in range(columns):
            window = x[:, row * down : row * down + kh, column * across : column * across + kw]
            z[:, row, column] = np.tensordot(window, conv.W, 3) + conv.b
    return z


def gradients(conv: nn.Conv2D, x: np.ndarray, dz: np.ndarray) -> list[np.ndarray]:
    """z, ∂loss/∂x, ∂loss/∂W and ∂loss/∂b."""
    z = conv.forward(x, training=True)
    dx = conv.backward(dz)
    return [z, dx, conv.dW.copy(), conv.db.copy()]


@settings(deadline=None, max_examples=60)
@given(
    height=sizes, width=sizes, inputs=st.integers(1, 3), channels=st.integers(1, 4), kernel=kernels, stride=strides,
    padding=st.sampled_from(["valid", "same"]), batch=st.integers(1, 4),
)  # fmt: skip
def test_it_is_what_the_loops_say_and_backward_its_derivative(
    height, width, inputs, channels, kernel, stride, padding, batch
) -> None:
    if padding == "valid":
        height, width = max(height, kernel[0]), max(width, kernel[1])
    conv = settle(nn.Conv2D(channels, kernel, stride, padding), (height, width, inputs))
    random = np.random.default_rng(2)
    x = random.normal(size=(batch, height, width, inputs))
    wanted = by_loops(x, conv)
    assert conv.output_shape == wanted.shape[1:]
    np.testing.assert_allclose(conv.forward(x, training=True), wanted, rtol=1e-9, atol=1e-11)
    # z is linear in each of x, W and b, so these products say how the loss Σ dz·z changes with them.
    dz = random.normal(size=wanted.shape)
    _, dx, dW, db = gradients(conv, x, dz)
    step = random.normal(size=x.shape)
    without_bias = by_loops(step, conv) - conv.b
    assert np.sum(dx * step) == pytest.approx(np.sum(dz * without_bias), rel=1e-9, abs=1e-9)
    kept, conv.W[...] = conv.W.copy(), random.normal(size=conv.W.shape)
    assert np.sum(dW * conv.W) == pytest.approx(np.sum(dz * (by_loops(x, conv) - conv.b)), rel=1e-9, abs=1e-9)
    conv.W[...] = kept
    np.testing.assert_allclose(db, dz.sum(axis=(0, 1, 2)), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, (1, 2)])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("shape", [(5, 4, 2), (6, 7)])
def test_backward_is_the_derivative_number_by_number(stride, padding, shape, random) -> None:
    conv = settle(nn.Conv2D(3, (3, 2), stride, padding), shape)
    x, dz = random.normal(size=(2, *shape)), random.normal(size=(2, *conv.output_shape))

    def weighted() -> float:
        return float(np.sum(dz * conv.forward(x, training=True)))

    _, dx, dW, db = gradients(conv, x, dz)
    assert dx.shape == x.shape
    for found, values in ((dx, x), (dW, conv.W), (db, conv.b)):
        np.testing.assert_allclose(found, nn.numerical_gradient(weighted, values), rtol=1e-6, atol=1e-8)


class TestBesidePyTorch:
    @settings(deadline=None, max_examples=60)
    @given(
        height=st.integers(1, 12), width=st.integers(1, 12), inputs=st.integers(1, 5), channels=st.integers(1, 9),
        kernel=kernels, stride=strides, padding=st.sampled_from(["valid", "same"]), batch=st.integers(1, 5),
    )  # fmt: skip
    def test_outputs_and_gradients(self, height, width, inputs, channels, kernel, stride, padding, batch) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is the other side of the comparison")
        if padding == "valid":
            height, width = max(height, kernel[0]), max(width, kernel[1])
        else:
            stride = (1, 1)  # with a stride, PyTorch has no "same"
        conv = settle(nn.Conv2D(channels, kernel, stride, padding), (height, width, inputs))
        random = np.random.default_rng(3)
        x = random.normal(size=(batch, height, width, inputs))
        pixels = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
        weights = torch.from_numpy(conv.W.transpose(3, 2, 0, 1).copy()).requires_grad_()
        bias = torch.from_numpy(conv.b.copy()).requires_grad_()
        if padding == "same":  # as PyTorch's own, which warns of even kernels
            (top, left), (bottom, right) = [(k - 1) // 2 for k in kernel], [k // 2 for k in kernel]
            padded = torch.nn.functional.pad(pixels, (left, right, top, bottom))
        else:
            padded = pixels
        outputs = torch.nn.functional.conv2d(padded, weights, bias, stride=stride)
        dz = random.normal(size=(batch, *conv.output_shape))
        grads = torch.autograd.grad(outputs, [pixels, weights, bias], torch.from_numpy(dz).permute(0, 3, 1, 2))
        theirs = [
            outputs.detach().permute(0, 2, 3, 1), grads[0].permute(0, 2, 3, 1), grads[1].permute(2, 3, 1, 0), grads[2]
        ]  # fmt: skip
        for ours, wanted in zip(gradients(conv, x, dz), theirs, strict=True):
            scale = max(1.0, float(wanted.abs().max()))
            np.testing.assert_allclose(ours, wanted.numpy(), rtol=0, atol=1e-12 * scale)

    @pytest.mark.parametrize("kernel", [1, 3, 5])
    def test_same_is_what_pytorch_calls_so(self, kernel, random) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is the other side of the comparison")
        conv = settle(nn.Conv2D(3, kernel, padding="same"), (6, 5, 2))
        peer = torch.nn.Conv2d(2, 3, kernel, padding="same").double()
        with torch.no_grad():
            peer.weight.copy_(torch.from_numpy(conv.W).permute(3, 2, 0, 1))
            peer.bias.copy_(torch.from_numpy(conv.b))
        x = random.normal(size=(4, 6, 5, 2))
        wanted = peer(torch.from_numpy(x).permute(0, 3, 1, 2)).detach().permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(conv.forward(x, training=False), wanted, rtol=1e-11, atol=1e-12)


class TestNumbers:
    def test_by_hand(self) -> None:
        conv = settle(nn.Conv2D(1, 2), (3, 3, 1))
        conv.W[...] = np.reshape([[1, 2], [3, 4]], (2, 2, 1, 1))
        conv.b[...] = 100
        x = np.arange(9.0).reshape(1, 3, 3, 1)
        z, dx, dW, db = gradients(conv, x, np.reshape([[1.0, 0], [0, -1]], (1, 2, 2, 1)))
        np.testing.assert_allclose(z[0, :, :, 0], [[127, 137], [157, 167]], rtol=1e-12)
        np.testing.assert_allclose(dx[0, :, :, 0], [[1, 2, 0], [3, 3, -2], [0, -3, -4]], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(dW[:, :, 0, 0], [[-4, -4], [-4, -4]], rtol=1e-12)
        np.testing.assert_allclose(db, [0], atol=1e-12)

    @pytest.mark.parametrize(("size", "stride"), [(7, 1), (7, 2), (8, 2), (8, 3), (2, 3), (1, 1)])
    def test_same_gives_so_many_outputs_as_strides_fit(self, size, stride) -> None:
        conv = settle(nn.Conv2D(2, 3, stride, "same"), (size, size, 1))
        assert conv.output_shape == (-(-size // stride), -(-size // stride), 2)

    def test_an_odd_zero_goes_to_the_bottom_and_right(self) -> None:
        conv = settle(nn.Conv2D(1, 2, padding="same"), (2, 2, 1))
        conv.W[...], conv.b[...] = 1, 0
        z = conv.forward(np.reshape([[1.0, 2], [4, 8]], (1, 2, 2, 1)), training=False)
        np.testing.assert_allclose(z[0, :, :, 0], [[15, 10], [12, 8]], rtol=1e-12)

    @pytest.mark.parametrize("size", [9, 12, 28])
    def test_a_kernel_may_be_as_high_as_the_image(self, size, random) -> None:
        conv = settle(nn.Conv2D(2, (size, 3)), (28, 5, 2))
        x = random.normal(size=(2, 28, 5, 2))
        np.testing.assert_allclose(conv.forward(x, training=True), by_loops(x, conv), rtol=1e-10, atol=1e-11)

    @pytest.mark.parametrize("stride", [2, 3, (1, 4)])
    def test_a_stride_takes_some_of_the_places_of_stride_one(self, stride, random) -> None:
        """So a kernel of 1 × 1 with a stride leaves pixels out, and sends nothing back to them."""
        down, across = (stride, stride) if isinstance(stride, int) else stride
        conv, every = settle(nn.Conv2D(3, 1, stride), (7, 9, 2)), settle(nn.Conv2D(3, 1), (7, 9, 2))
        x = random.normal(size=(2, 7, 9, 2))
        z, dx, _, _ = gradients(conv, x, np.ones((2, *conv.output_shape)))
        np.testing.assert_allclose(z, every.forward(x, training=True)[:, ::down, ::across], rtol=1e-12)
        seen = np.zeros((7, 9), bool)
        seen[::down, ::across] = True
        np.testing.assert_array_equal((dx != 0).all(axis=(0, 3)), seen)

    @both_dtypes
    @pytest.mark.parametrize("padding", ["valid", "same"])
    def test_it_computes_in_the_dtype_of_its_network(self, padding, dtype, random) -> None:
        conv = settle(nn.Conv2D(4, 3, padding=padding), (6, 6, 2), dtype)
        x = random.normal(size=(3, 6, 6, 2)).astype(dtype)
        for array in gradients(conv, x, np.ones((3, *conv.output_shape), dtype)):
            assert array.dtype == dtype
        for name, value in vars(conv).items():
            assert not isinstance(value, np.ndarray) or value.dtype == dtype, name

    @pytest.mark.parametrize(("shape", "kernel", "padding"), [
        ((28, 28, 1), 5, "valid"), ((12, 12, 16), 5, "valid"), ((14, 14, 16), 3, "same"), ((7, 7, 32), 3, "same"),
    ])  # fmt: skip
    def test_float32_is_as_exact_as_it_can_be(self, shape, kernel, padding, random) -> None:
        """Rounding errors stay below a millionth of a typical number, and nowhere come near a ten-thousandth."""
        exact, single = (settle(nn.Conv2D(16, kernel, 1, padding), shape, t) for t in (np.float64, np.float32))
        x, dz = random.normal(size=(4, *shape)), random.normal(size=(4, *exact.output_shape))
        theirs = gradients(exact, x, dz)
        for ours, wanted in zip(gradients(single, x.astype(np.float32), dz.astype(np.float32)), theirs, strict=True):
            error = (ours - wanted) / np.std(wanted)
            assert np.std(error) < 2e-6
            assert np.abs(error).max() < 5e-5

    def test_images_without_channels_have_one(self, random) -> None:
        flat, deep = (settle(nn.Conv2D(3), shape) for shape in ((6, 5), (6, 5, 1)))
        x, dz = random.normal(size=(2, 6, 5)), random.normal(size=(2, 4, 3, 3))
        for ours, theirs in zip(gradients(flat, x, dz), gradients(deep, x[..., None], dz), strict=True):
            np.testing.assert_array_equal(ours.ravel(), theirs.ravel())

    def test_arrays_that_lie_across_memory_are_taken_too(self, random) -> None:
        conv = settle(nn.Conv2D(3), (6, 5, 2))
        x, dz = random.normal(size=(2, 5, 6, 4)), random.normal(size=(3, 4, 3, 2))
        x, dz = x.transpose(0, 2, 1, 3)[:, :, :, ::2], dz.transpose(3, 1, 2, 0)
        for ours, theirs in zip(gradients(conv, x, dz), gradients(conv, x.copy(), dz.copy()), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)

    def test_the_first_weights_suit_the_window(self) -> None:
        conv = nn.Conv2D(64, 5)
        nn.Network([conv, nn.Flatten()], input_shape=(9, 9, 16))
        assert np.std(conv.W) == pytest.approx(np.sqrt(2 / (5 * 5 * 16)), rel=0.02)
        assert not conv.b.any()
        uniform = nn.Conv2D(64, 5, initializer="glorot_uniform")
        nn.Network([uniform, nn.Flatten()], input_shape=(9, 9, 16))
        assert np.abs(uniform.W).max() == pytest.approx(np.sqrt(6 / (5 * 5 * 16 + 5 * 5 * 64)), rel=0.01)

    def test_only_weights_are_decayed(self) -> None:
        network = nn.Network([nn.Conv2D(2), nn.Dense(3)], input_shape=(4, 4, 1))
        assert network.weight_count == 3 * 3 * 2 + 2 * 2 * 2 * 3


class TestInATraining:
    def network(self, dtype: type = np.float64) -> nn.Network:
        layers = [
            nn.Conv2D(4, 3, padding="same"), nn.MaxPool2D(), nn.ReLU(), nn.Conv2D(5, 2), nn.Tanh(), nn.BatchNorm(),
            nn.Conv2D(3, 1, 2), nn.AveragePool2D(2, 1), nn.Dense(4),
        ]  # fmt: skip
        return nn.Network(layers, input_shape=(10, 8, 2), dtype=dtype, seed=3, l2=0.01)

    def test_the_gradient_check_passes(self, random) -> None:
        network = self.network()
        network.parameters += random.normal(0, 0.1, network.parameters.shape)
        check = nn.gradcheck(network, random.normal(size=(3, 10, 8, 2)), np.array([0, 3, 1]))
        assert check.worst < 1e-6, check

    def test_the_gradient_of_the_pixels_is_the_numerical_one(self, random) -> None:
        network, x, labels = self.network(), random.normal(size=(2, 10, 8, 2)), np.array([2, 0])
        numerical = nn.numerical_gradient(lambda: network.score(x, labels)[0] * len(x), x)
        np.testing.assert_allclose(network.input_gradient(x, labels), numerical, rtol=1e-6, atol=1e-9)

    def test_short_batches_after_long_ones_see_nothing_of_them(self, random) -> None:
        used = self.network()
        for batch in (5, 2, 1, 5, 8, 3, 8):
            fresh = self.network()
            x, labels = random.normal(size=(batch, 10, 8, 2)), random.integers(0, 4, batch)
            for network in (used, fresh):
                network.compute_gradients(x, labels)
            np.testing.assert_allclose(used.gradients, fresh.gradients, rtol=1e-10, atol=1e-13)
            np.testing.assert_allclose(used.input_gradient(x, labels).shape, x.shape)

    def test_every_sample_goes_its_own_way_when_predicted(self, random) -> None:
        network, x = self.network(), random.normal(size=(5, 10, 8, 2))
        together = network.predict_proba(x)
        alone = [network.predict_proba(x[index : index + 1])[0] for index in range(5)]
        np.testing.assert_allclose(together, alone, rtol=1e-11)

    def test_no_batch_at_all_is_no_trouble(self) -> None:
        assert self.network().predict_proba(np.empty((0, 10, 8, 2))).shape == (0, 4)

    @pytest.mark.parametrize("padding", ["valid", "same"])
    def test_neither_way_changes_what_it_is_given_nor_what_it_gave(self, padding, random) -> None:
        conv = settle(nn.Conv2D(3, padding=padding), (6, 5, 2))
        x, dz = random.normal(size=(2, 6, 5, 2)), random.normal(size=(2, *conv.output_shape))
        arrays = [x, dz, conv.forward(x, training=True), conv.backward(dz)]
        kept = [array.copy() for array in arrays]
        gradients(conv, -x, -dz)
        for array, before in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(array, before)

    def test_copies_and_pickles_are_the_same_network(self, random) -> None:
        network, x = self.network(), random.normal(size=(4, 10, 8, 2))
        network.compute_gradients(x, np.array([0, 1, 2, 3]))
        wanted = network.predict_proba(x)
        for twin in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network), network.replica()):
            np.testing.assert_array_equal(twin.predict_proba(x), wanted)

    def test_it_learns(self, random) -> None:
        """Stripes up or across, at any place: what a small kernel sees at once."""
        labels = random.integers(0, 2, 200)
        x = np.zeros((200, 8, 8, 1), np.float32)
        for image, label, place in zip(x, labels, random.integers(1, 7, 200), strict=True):
            image[(slice(None), place) if label else place] = 1
        layers = [nn.Conv2D(4), nn.ReLU(), nn.GlobalAveragePool2D(), nn.Dense(2)]
        network = nn.Network(layers, input_shape=(8, 8, 1), seed=1)
        optimizer = nn.Adam(0.02)
        for _ in range(100):
            network.compute_gradients(x, labels)
            optimizer.step(network.parameters, network.gradients, 0.02, network.weight_count)
        assert network.score(x, labels)[1] == 200


class TestMisfits:
    @pytest.mark.parametrize(("arguments", "said"), [
        ({"channels": 0}, "channels is 0, but must be a whole number of at least 1"),
        ({"channels": 2.5}, "channels is 2.5"),
        ({"channels": 4, "kernel": 0}, "kernel is 0"),
        ({"channels": 4, "kernel": (3, 0)}, r"kernel is \(3, 0\), but must be .* or a pair of them"),
        ({"channels": 4, "kernel": (3, 3, 3)}, "kernel is .3, 3, 3., but must be a whole number of at least 1"),
        ({"channels": 4, "kernel": "3"}, "kernel is '3'"),
        ({"channels": 4, "stride": -1}, "stride is -1"),
        ({"channels": 4, "stride": None}, "stride is None"),
        ({"channels": 4, "padding": "full"}, 'padding is .full., but must be "valid" or "same"'),
        ({"channels": 4, "padding": 2}, "padding is 2"),
    ])  # fmt: skip
    def test_arguments_that_make_no_sense(self, arguments, said) -> None:
        with pytest.raises(ValueError, match=f"Conv2D: {said}"):
            nn.Conv2D(**arguments)

    def test_an_unknown_initializer(self) -> None:
        with pytest.raises(ValueError, match="no initializer called 'hee'"):
            nn.Conv2D(4, initializer="hee")

    @pytest.mark.parametrize("shape", [(4, 9, 1), (9, 4, 1), (4, 4)])
    def test_a_kernel_larger_than_its_image(self, shape) -> None:
        got = "×".join(map(str, shape))
        with pytest.raises(nn.ShapeError, match=f"conv2d_1 got {got}, but wants images at least as large .* of 5×5"):
            nn.Network([nn.Conv2D(4, 5), nn.Dense(2)], input_shape=shape)

    def test_images_that_have_shrunk_too_far_on_their_way(self) -> None:
        with pytest.raises(nn.ShapeError, match="conv2d_3 got 2×2×4, but wants images at least as large"):
            nn.Network([nn.Conv2D(4), nn.Conv2D(4), nn.Conv2D(4)], input_shape=(6, 6, 1))

    @pytest.mark.parametrize("shape", [(7,), (2, 3, 4, 5)])
    def test_what_is_no_image(self, shape) -> None:
        with pytest.raises(nn.ShapeError, match=r"conv2d_1 got .*, but wants images: height × width × channels"):
            nn.Network([nn.Conv2D(4)], input_shape=shape)

    def test_same_takes_images_smaller_than_its_kernel(self, random) -> None:
        conv = settle(nn.Conv2D(2, 5, padding="same"), (2, 3, 1))
        x = random.normal(size=(2, 2, 3, 1))
        np.testing.assert_allclose(conv.forward(x, training=False), by_loops(x, conv), rtol=1e-10, atol=1e-12)
