"""Pooling: which number of a window goes on, and which pixels the gradient comes back to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

KINDS = [nn.MaxPool2D, nn.AveragePool2D]
every_kind = pytest.mark.parametrize("kind", KINDS)


def settle(layer: nn.Layer, shape: tuple[int, ...], dtype: type = np.float64) -> nn.Layer:
    nn.Network([layer, nn.Flatten()], input_shape=shape, dtype=dtype)
    return layer


def by_loops(x: np.ndarray, layer: nn.MaxPool2D | nn.AveragePool2D) -> np.ndarray:
    """The definition, window by window."""
    size, stride = layer.size, layer.size if layer.stride is None else layer.stride
    (high, wide), (down, across) = ((n, n) if isinstance(n, int) else n for n in (size, stride))
    best = np.max if isinstance(layer, nn.MaxPool2D) else np.mean
    rows = [
        [
            best(x[:, top : top + high, left : left + wide], axis=(1, 2))
            for left in range(0, x.shape[2] - wide + 1, across)
        ]
        for top in range(0, x.shape[1] - high + 1, down)
    ]
    return np.transpose(rows, (2, 0, 1, 3))


@every_kind
@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 9), width=st.integers(1, 9), channels=st.integers(1, 4), batch=st.integers(1, 3),
    size=st.integers(1, 3) | st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.none() | st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4)),
)  # fmt: skip
def test_it_is_what_the_loops_say_and_backward_its_derivative(
    kind, height, width, channels, batch, size, stride
) -> None:
    high, wide = (size, size) if isinstance(size, int) else size
    layer = settle(kind(size, stride), (max(height, high), max(width, wide), channels))
    random = np.random.default_rng(5)
    # All numbers are far apart, so that no small step changes which of them is the largest.
    shape = batch, *layer.input_shape
    x = random.permutation(math.prod(shape)).reshape(shape).astype(float)
    wanted = by_loops(x, layer)
    assert layer.output_shape == wanted.shape[1:]
    np.testing.assert_allclose(layer.forward(x, training=True), wanted, rtol=1e-13)
    dout = random.normal(size=wanted.shape)
    dx = layer.backward(dout)
    numerical = nn.numerical_gradient(lambda: float(np.sum(dout * by_loops(x, layer))), x)
    np.testing.assert_allclose(dx, numerical, rtol=1e-5, atol=1e-6)


@every_kind
@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (2, 1), (2, 3), ((3, 2), (1, 2))])
def test_beside_pytorch(kind, size, stride, random) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the other side of the comparison")
    pool = torch.nn.functional.max_pool2d if kind is nn.MaxPool2D else torch.nn.functional.avg_pool2d
    layer = settle(kind(size, stride), (9, 8, 3))
    for batch in (4, 1, 3):
        x, dout = random.normal(size=(batch, 9, 8, 3)), random.normal(size=(batch, *layer.output_shape))
        pixels = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
        outputs = pool(pixels, size, stride)
        outputs.backward(torch.from_numpy(dout).permute(0, 3, 1, 2))
        wanted = outputs.detach().permute(0, 2, 3, 1).numpy()
        np.testing.assert_allclose(layer.forward(x, training=True), wanted, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(layer.backward(dout), pixels.grad.permute(0, 2, 3, 1), rtol=1e-13, atol=1e-15)


class TestTies:
    """In a flat background all pixels are the largest; the gradient goes to one of them all the same."""

    @settings(deadline=None, max_examples=40)
    @given(
        size=st.integers(1, 3), stride=st.integers(1, 3), values=st.integers(1, 3), channels=st.integers(1, 2),
        seed=st.integers(0, 99),
    )  # fmt: skip
    def test_every_window_has_exactly_one_winner(self, size, stride, values, channels, seed) -> None:
        layer = settle(nn.MaxPool2D(size, stride), (7, 6, channels))
        random = np.random.default_rng(seed)
        x = random.integers(0, values, (2, 7, 6, channels)).astype(float)
        out = layer.forward(x, training=True)
        for place in np.ndindex(*out.shape):
            dout = np.zeros_like(out)
            dout[place] = 3
            dx = layer.backward(dout)
            (winner,) = np.argwhere(dx)
            n, row, column, channel = place
            assert dx[tuple(winner)] == 3
            assert x[tuple(winner)] == out[place]
            assert winner[0] == n
            assert winner[3] == channel
            assert 0 <= winner[1] - row * stride < size
            assert 0 <= winner[2] - column * stride < size

    def test_the_leftmost_column_wins_and_there_the_topmost_row(self) -> None:
        layer = settle(nn.MaxPool2D(), (2, 2, 1))
        for pixels, winner in (([[5, 5], [5, 5]], (0, 0)), ([[0, 5], [5, 5]], (1, 0)), ([[0, 5], [0, 5]], (0, 1))):
            layer.forward(np.reshape(pixels, (1, 2, 2, 1)).astype(float), training=True)
            dx = layer.backward(np.ones((1, 1, 1, 1)))
            np.testing.assert_array_equal(np.argwhere(dx[0, :, :, 0]), [winner])

    def test_a_flat_image_gives_back_all_it_gets(self) -> None:
        layer = settle(nn.MaxPool2D(), (28, 28, 4), np.float32)
        x = np.zeros((3, 28, 28, 4), np.float32)
        layer.forward(x, training=True)
        dx = layer.backward(np.ones((3, 14, 14, 4), np.float32))
        assert dx.sum() == 3 * 14 * 14 * 4
        np.testing.assert_array_equal(np.unique(dx), [0, 1])
        np.testing.assert_array_equal(dx[:, ::2, ::2], 1)


class TestNumbers:
    def test_by_hand(self) -> None:
        x = np.reshape([[1.0, 2, 5, 0], [3, 4, 0, 6], [9, 0, 7, 7]], (1, 3, 4, 1))
        largest, mean = settle(nn.MaxPool2D(), (3, 4, 1)), settle(nn.AveragePool2D(), (3, 4, 1))
        np.testing.assert_array_equal(largest.forward(x, training=True).ravel(), [4, 6])
        np.testing.assert_array_equal(mean.forward(x, training=True).ravel(), [2.5, 2.75])
        dout = np.reshape([10.0, 20], (1, 1, 2, 1))
        np.testing.assert_array_equal(largest.backward(dout)[0, :, :, 0], [[0, 0, 0, 0], [0, 10, 0, 20], [0, 0, 0, 0]])
        np.testing.assert_array_equal(
            mean.backward(dout)[0, :, :, 0], [[2.5, 2.5, 5, 5], [2.5, 2.5, 5, 5], [0, 0, 0, 0]]
        )

    def test_before_or_after_relu_is_the_same(self, random) -> None:
        """The largest of what is left of each is what is left of the largest; pooled first, less is left to do."""
        x, dout = random.normal(size=(4, 6, 6, 3)), random.normal(size=(4, 3, 3, 3))
        first, second = ([nn.MaxPool2D(), nn.ReLU()], [nn.ReLU(), nn.MaxPool2D()])
        results = []
        for layers in (first, second):
            nn.Network([*layers, nn.Flatten()], input_shape=(6, 6, 3), dtype=np.float64)
            out, back = x, dout
            for layer in layers:
                out = layer.forward(out, training=True)
            for layer in reversed(layers):
                back = layer.backward(back)
            results.append((out, back))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])

    def test_the_global_mean(self, random) -> None:
        layer = settle(nn.GlobalAveragePool2D(), (5, 3, 4))
        assert layer.output_shape == (4,)
        for batch in (3, 1, 2):
            x, dout = random.normal(size=(batch, 5, 3, 4)), random.normal(size=(batch, 4))
            np.testing.assert_allclose(layer.forward(x, training=True), x.mean(axis=(1, 2)), rtol=1e-12)
            dx = layer.backward(dout)
            np.testing.assert_allclose(dx, np.broadcast_to(dout[:, None, None] / 15, x.shape), rtol=1e-13)

    def test_images_without_channels_stay_without(self, random) -> None:
        x = random.normal(size=(2, 4, 6))
        for kind in KINDS:
            layer = settle(kind(), (4, 6))
            assert layer.forward(x, training=True).shape == (2, 2, 3)
            assert layer.backward(np.ones((2, 2, 3))).shape == (2, 4, 6)
        assert settle(nn.GlobalAveragePool2D(), (4, 6)).forward(x, training=True).shape == (2, 1)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("layer", [nn.MaxPool2D(3, 2), nn.AveragePool2D(3, 2), nn.GlobalAveragePool2D()], ids=repr)
    def test_it_computes_in_the_dtype_of_its_network(self, layer, dtype) -> None:
        layer = settle(layer.clone(), (7, 6, 2), dtype)
        x = np.ones((3, 7, 6, 2), dtype)
        out = layer.forward(x, training=True)
        assert out.dtype == dtype
        assert layer.backward(np.ones_like(out)).dtype == dtype

    @pytest.mark.parametrize("size", [2, 3, (1, 2)])
    @every_kind
    def test_neither_way_changes_what_it_is_given_nor_what_it_gave(self, kind, size, random) -> None:
        layer = settle(kind(size), (6, 6, 2))
        x = random.normal(size=(5, 6, 6, 2))
        dout = random.normal(size=(5, *layer.output_shape))
        arrays = [x, dout, layer.forward(x, training=True), layer.backward(dout)]
        kept = [array.copy() for array in arrays]
        layer.forward(-x, training=True)
        layer.backward(-dout)
        for array, before in zip(arrays, kept, strict=True):
            np.testing.assert_array_equal(array, before)

    @every_kind
    @pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (2, 3)])
    def test_a_short_batch_after_a_long_one_sees_nothing_of_it(self, kind, size, stride, random) -> None:
        used = settle(kind(size, stride), (7, 8, 2))
        for batch in (5, 2, 1, 8, 3):
            fresh = settle(kind(size, stride), (7, 8, 2))
            x, dout = random.normal(size=(batch, 7, 8, 2)), random.normal(size=(batch, *fresh.output_shape))
            for layer in (used, fresh):
                layer.forward(x, training=True)
            np.testing.assert_array_equal(used.backward(dout), fresh.backward(dout))


class TestMisfits:
    @every_kind
    @pytest.mark.parametrize(("arguments", "said"), [
        ((0,), "size is 0, but must be a whole number of at least 1"), ((2, 0), "stride is 0"),
        (((2, 0),), r"size is \(2, 0\), but must be a whole number of at least 1, or a pair of them"),
        (((2, 2, 2),), "size is .2, 2, 2., but must be .* or a pair of them"), ((1.5,), "size is 1.5"),
        ((True,), "size is True"), (((2,),), "size is .2,., but must be .* or a pair of them"),
    ])  # fmt: skip
    def test_arguments_that_make_no_sense(self, kind, arguments, said) -> None:
        with pytest.raises(ValueError, match=f"{kind.__name__}: {said}"):
            kind(*arguments)

    @every_kind
    def test_windows_larger_than_the_image(self, kind) -> None:
        with pytest.raises(nn.ShapeError, match=r"pool2d_1 got 3×8×2, but wants images at least as large .* of 4×4"):
            nn.Network([kind(4), nn.Dense(2)], input_shape=(3, 8, 2))

    @pytest.mark.parametrize("layer", [nn.MaxPool2D(), nn.AveragePool2D(), nn.GlobalAveragePool2D()], ids=repr)
    @pytest.mark.parametrize("shape", [(7,), (2, 3, 4, 5)])
    def test_what_is_no_image(self, layer, shape) -> None:
        with pytest.raises(nn.ShapeError, match=r"pool2d_1 got .*, but wants images: height × width × channels"):
            nn.Network([layer.clone(), nn.Dense(2)], input_shape=shape)
