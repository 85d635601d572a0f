"""Convolution with fewer multiplications and less copying than its definition asks for.

Written down, a convolution is six nested loops. `nn` makes one large product of them: a copy of what each window sees,
times the kernels. Here it is a few matrix products, made of two ideas that save most of the copying and more than half
of the multiplications:

*Along a row*, the output is cut into tiles of a few columns. A tile sees a run of neighbouring pixels, which lie one
after the other in memory. The run times a *band*, the kernel laid out once for each column of the tile and each time
shifted by one, gives the whole tile. With tiles of one column this is known as im2col; wider ones copy less, and
multiply by some zeros.

*Down the rows*, the output is cut into blocks of a few rows. Rows that slide past a kernel make a product of
polynomials, with rows for coefficients; and polynomials can be multiplied point by point: evaluate both, multiply the
values, interpolate. Seven rows through a kernel of three take 9 products that way instead of 21:

    block of the output = Aᵀ · ((G · rows of the kernel) ∘ (B · rows of the image)),

with the matrices of `filtering`, and ∘ the product of runs and bands from above. The numbers are those of the loops
but for rounding, whose errors are up to ten times as large: about 0.0000006 of a typical output in float32.

Sources: Winograd, 1980, "Arithmetic complexity of computations", after Toom, 1963, and Cook, 1966; for images Lavin and
Gray, 2016, "Fast algorithms for convolutional neural networks". The bands are Inkling's own.
"""

import math
from collections.abc import Iterator

import numpy as np

from inkling.engine.buffered.buffers import Buffered
from inkling.nn import Conv2D
from inkling.nn.part import Array, Shape

POINTS = 9
"""Where polynomials are evaluated at most: with every point, rounding errors grow."""
SPACE = 2**19
"""Numbers to work on at a time, 2 MB of float32: a batch is walked in pieces that stay in the cache."""
SMALL = 10**6
"""Multiplications in a matrix product up to which BLAS begins at once, without rearranging the matrices."""


class BufferedConv2D(Buffered, Conv2D):
    """The same numbers but for rounding, in blocks of rows and tiles of columns."""

    def connect(self, input_shape: Shape) -> Shape:
        output_shape = super().connect(input_shape)
        # Between the rows that a stride leaves out there is no polynomial, and one row of a kernel has nothing to save.
        most = max(POINTS + 1 - self.kh, 1) if self.down == 1 < self.kh else 1
        blocks = [rows for rows in range(1, most + 1) if self.rows % rows == 0]
        # Narrow matrices keep BLAS from its best, and short runs cost more to copy than zeros to multiply.
        tiles = [columns for columns in range(1, self.columns + 1) if self.columns % columns == 0]
        wide = [columns for columns in tiles if columns * self.channels >= 32 and columns * self.inputs >= 4]
        self.cut(max(blocks), min(wide, default=self.columns))
        return output_shape

    def cut(self, block: int, tile: int) -> None:
        """Get ready to compute in blocks of so many rows and tiles of so many columns, which leave nothing over."""
        self.A, self.B, self.G = (np.ascontiguousarray(m, self.dtype) for m in filtering(block, self.kh))
        points, blocks, tiles = len(self.G), self.rows // block, self.columns // tile
        high, wide = self.top + self.height + self.bottom, self.left + self.width + self.right
        run = ((tile - 1) * self.across + self.kw) * self.inputs
        self.padded, line, self.out = (high, wide, self.inputs), wide * self.inputs, tile * self.channels
        self.blocks, self.bands_shape = (blocks, block, self.columns * self.channels), (points, run, self.out)
        # How to look at images as what each block sees of them; at the lines of a block, one for each point, as what
        # each tile sees of them; at bands as the kernels on their diagonals: shapes, and how many numbers a step is.
        step, shift = block * self.down, tile * self.across * self.inputs
        self.by_block = (blocks, points, line), (step * line, line, 1)
        self.by_tile = (points, blocks, tiles, run), (line, points * line, shift, 1)
        diagonal = self.across * self.inputs * self.out + self.channels
        self.by_kernel = (self.kw, self.inputs, tile, self.channels), (self.inputs * self.out, self.out, diagonal, 1)
        self.apart = -(-points // step), -(-run // shift)  # blocks and tiles that have nothing in common
        runs = blocks * tiles
        self.limit = max(min(SPACE // (points * runs * (run + self.out)), SMALL // (runs * run * self.out)), 1)

    def forward(self, x: Array, *, training: bool) -> Array:
        self.x = x = x.reshape(len(x), self.height, self.width, self.inputs)
        kernels = self.buffer("kernels", (len(self.G), self.kw, self.inputs, 1, self.channels))
        np.matmul(self.G, self.W.reshape(self.kh, -1), out=kernels.reshape(len(self.G), -1))
        self.bands = self.buffer("bands", self.bands_shape, fill=0)
        np.copyto(strided(self.bands, *self.by_kernel), kernels)
        # The bias goes in at the first point, where all rows of a block have the same weight.
        bias = np.divide(self.b, self.A[0, 0], out=self.buffer("bias", (self.columns, self.channels)))
        z = self.buffer("z", (len(x), *self.blocks))
        for piece, products in self.pieces(len(x)):
            np.matmul(self.runs(x[piece]), self.bands, out=products.reshape(len(self.G), -1, self.out))
            products[0] += bias.reshape(-1)
            np.matmul(self.A.T, products.transpose(1, 2, 0, 3), out=z[piece])
        z = z.reshape(len(x), self.rows, *bias.shape)
        if not self.b.all():
            z[self.blank(x)] = self.b
        return z

    def backward(self, dz: Array) -> Array:
        np.matmul(self.buffer("ones", (dz.size // self.channels,), fill=1), dz.reshape(-1, self.channels), out=self.db)
        dz = dz.reshape(len(dz), *self.blocks)
        transposed = self.buffer("transposed", (len(self.G), self.out, self.bands.shape[1]))
        np.copyto(transposed, self.bands.swapaxes(1, 2))
        dbands = self.buffer("dbands", self.bands.shape)
        dbands.fill(0)
        for piece, products in self.pieces(len(dz)):
            np.matmul(self.A, dz[piece], out=products.transpose(1, 2, 0, 3))
            dproducts, runs = products.reshape(len(self.G), -1, self.out), self.runs(self.x[piece])
            dbands += np.matmul(runs.swapaxes(1, 2), dproducts, out=self.buffer("sum", dbands.shape))
            if self.wants_dx:
                self.scatter(np.matmul(dproducts, transposed, out=runs), self.buffer("dx", self.x.shape)[piece])
        dkernels = self.buffer("dkernels", (len(self.G), self.kw, self.inputs, self.channels))
        np.add.reduce(strided(dbands, *self.by_kernel), axis=3, out=dkernels)
        np.matmul(self.G.T, dkernels.reshape(len(self.G), -1), out=self.dW.reshape(self.kh, -1))
        return self.buffer("dx", self.x.shape).reshape(len(dz), *self.input_shape) if self.wants_dx else dz

    def blank(self, x: Array) -> Array:
        """Which windows see nothing but zeros: (batch, rows, columns).

        What comes out there is the bias. If that is 0, as in the beginning, a rounding error must not take its place:
        a ReLU would see a difference between 0 and the smallest number above it.
        """
        empty, blank = self.pad(x).any(axis=-1) == 0, np.ones((len(x), self.rows, self.columns), np.bool_)
        for i, j in np.ndindex(self.kh, self.kw):
            blank &= self.pixels(empty, i, j)
        return blank

    def pieces(self, count: int) -> Iterator[tuple[slice, Array]]:
        """The batch in pieces of about the same size, with room for products: (points, samples, blocks, line of z)."""
        size = -(-count // max(-(-count // self.limit), 1)) or 1
        for start in range(0, count, size):
            shape = len(self.G), min(size, count - start), self.blocks[0], self.blocks[2]
            yield slice(start, start + size), self.buffer("products", (math.prod(shape),)).reshape(shape)

    def runs(self, x: Array) -> Array:
        """What the tiles of all the images see, at each point: (points, samples · blocks · tiles, run)."""
        image = self.buffer("image", (len(x), *self.padded), fill=0)
        image[self.inside] = x
        lines = self.buffer("lines", (len(x), *self.by_block[0]))
        np.matmul(self.B, strided(image, *self.by_block), out=lines)
        tiles = strided(lines, *self.by_tile).swapaxes(0, 1)
        runs = self.buffer("runs", (tiles.size,)).reshape(tiles.shape)
        np.copyto(runs, tiles)
        return runs.reshape(len(self.G), -1, self.bands.shape[1])

    def scatter(self, druns: Array, dx: Array) -> None:
        """The way of `runs` back: a pixel adds up what comes from all the runs it stood in."""
        lines = self.buffer("lines", (len(dx), *self.by_block[0]))
        lines.fill(0)
        (blocks_apart, tiles_apart), tiles = self.apart, strided(lines, *self.by_tile).swapaxes(0, 1)
        for first in range(tiles_apart):
            tiles[:, :, :, first::tiles_apart] += druns.reshape(tiles.shape)[:, :, :, first::tiles_apart]
        rows = np.matmul(self.B.T, lines, out=self.buffer("rows", lines.shape))
        image = self.buffer("dimage", (len(dx), *self.padded))
        image.fill(0)
        blocks = strided(image, *self.by_block)
        for first in range(blocks_apart):
            blocks[:, first::blocks_apart] += rows[:, first::blocks_apart]
        np.copyto(dx, image[self.inside])


def filtering(block: int, kernel: int) -> tuple[Array, Array, Array]:
    """Matrices A, B, G so that Aᵀ · ((G · kernel) ∘ (B · image)) slides a kernel of so many rows over an image.

    `block` rows come out; a single one, if the rows have a stride. Shapes: A (points, block), B (points, points),
    G (points, kernel), with points = block + kernel − 1. A polynomial of degree n is evaluated where its variable is
    tan α, times cosⁿ α, at angles that lie evenly around the half circle, the first at 45°: with so well spread points,
    infinity one of them like all others, rounding errors stay small.
    """
    points = block + kernel - 1
    if block == 1:
        return np.ones((points, 1)), np.eye(points), np.eye(points)
    angles = np.pi * (np.arange(points)[:, np.newaxis] / points + 1 / 4)
    A, V, G = (np.sin(angles) ** np.arange(n) * np.cos(angles) ** np.arange(n)[::-1] for n in (block, points, kernel))
    return A, np.linalg.inv(V).T, G


def strided(array: Array, shape: Shape, steps: Shape) -> Array:
    """A view of each entry of a contiguous array, so many numbers on at a step along each of its axes."""
    # NumPy's as_strided does the same, but takes ten times as long.
    strides = [n * array.itemsize for n in (array[0].size, *steps)]
    return np.ndarray((len(array), *shape), array.dtype, array, 0, strides)
