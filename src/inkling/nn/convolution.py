"""Convolution: one small kernel looks at every place of the image, so what it learns in one corner it knows in all.

A layer of the kind is a Dense layer that sees one window of the image at a time and treats all of them alike: the same
weights multiply every window. So forward there is one product, windows times kernels. Backward, the gradient of the
kernels is one more; a pixel stands in several windows, and adds up what comes back from each of them.

Like every library's, it is what mathematics calls a cross-correlation: the kernel is not turned round.
"""

import numpy as np

from inkling.nn.initializers import Initializer, initializer_named
from inkling.nn.layers import Weighted
from inkling.nn.part import Array, Shape, check_whole
from inkling.nn.windows import Pair, Windowed, check_pair


class Conv2D(Windowed, Weighted):
    """Each output pixel sees a window of the image: z[y, x] = Σ over i, j of a[y·s + i, x·t + j] @ W[i, j] + b.

    Here a is one image, with the zeros of its padding, s and t are the strides down and across, and a[y, x] is a row of
    all its channels, which the product @ with W[i, j] (inputs, channels) sums over.

    `channels`: how many kernels; each makes an image of its own. `kernel`, `stride`: a number, or a pair for down
    and across. `padding`: "valid" takes whole windows only, (n − kernel) // stride + 1 in a direction of n pixels;
    "same" puts zeros around the image so that there are ⌈n / stride⌉; an odd one goes to the bottom or right.
    Shapes: a (batch, height, width, inputs) → z (batch, rows, columns, channels); images without channels have one.
    W (kernel height, kernel width, inputs, channels); b (channels,).
    With dz = ∂loss/∂z: ∂loss/∂W[i, j] = Σ over batch, y, x of a[y·s + i, x·t + j]ᵀ @ dz[y, x]; ∂loss/∂b = Σ dz;
    and the pixel a[y·s + i, x·t + j] gets dz[y, x] @ W[i, j]ᵀ from each output that saw it.
    Source: LeCun et al., 1998, "Gradient-based learning applied to document recognition".
    """

    def __init__(
        self,
        channels: int,
        kernel: Pair = 3,
        stride: Pair = 1,
        padding: str = "valid",
        initializer: str | Initializer = "he",
    ) -> None:
        if padding not in ("valid", "same"):
            raise ValueError(f'Conv2D: padding is {padding!r}, but must be "valid" or "same"')
        initializer_named(initializer)
        self.channels = check_whole("Conv2D", "channels", channels)
        self.kernel, self.stride = check_pair("Conv2D", "kernel", kernel), check_pair("Conv2D", "stride", stride)
        self.padding, self.initializer = padding, initializer

    def connect(self, input_shape: Shape) -> Shape:
        self.slide(input_shape, self.kernel, self.stride, self.padding)
        return self.rows, self.columns, self.channels

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"W": (self.kh, self.kw, self.inputs, self.channels), "b": (self.channels,)}

    def forward(self, a: Array, *, training: bool) -> Array:
        self.seen = windows = self.windows(self.pad(a))  # (batch, rows, columns, inputs, kernel height, kernel width)
        # Summed over kernel height, kernel width and inputs.
        return np.tensordot(windows, self.W, axes=((4, 5, 3), (0, 1, 2))) + self.b

    def backward(self, dz: Array) -> Array:
        every_window = (0, 1, 2)
        # The product is (inputs, kernel height, kernel width, channels).
        self.dW[...] = np.tensordot(self.seen, dz, axes=(every_window, every_window)).transpose(1, 2, 0, 3)
        self.db[...] = dz.sum(axis=every_window)
        da = self.pad(np.zeros((len(dz), *self.input_shape), dz.dtype))
        for i, j in np.ndindex(self.kh, self.kw):  # `pixels` is a view of da, so this adds to da
            self.pixels(da, i, j)[...] += dz @ self.W[i, j].T
        return self.unpad(da)
