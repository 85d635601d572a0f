"""Pooling and batch normalization, compiled. Images lie as rows of (height, width, channels).

The definitions are those of `inkling.nn`. All inner loops are over the channels of a pixel, which lie side by side.
"""

# mypy: ignore-errors

from numba import njit

from inkling.engine.compiled.dense import FAST
from inkling.engine.compiled.low_level import fill, row


@njit(nogil=True, error_model="numpy")
def pixel_of(images, index, channels):
    """Some channels that stand one behind the other, from a place of the flattened images on."""
    return row(images.ctypes.data, index, channels, images.dtype.type(0))


@njit(nogil=True, error_model="numpy")
def larger(a, b):
    """The larger of two numbers; one that is no number counts as larger, so that what went wrong is not hidden."""
    return b if (b > a) | (b != b) else a


@njit(nogil=True, error_model="numpy")
def largest_of_four(a, b, c, d, largest, which):
    """The usual window, with no loop around it: left column first, and there the upper pixel."""
    for k in range(len(a)):
        left, right = larger(a[k], b[k]), larger(c[k], d[k])
        largest[k] = larger(left, right)
        which[k] = (2 if d[k] <= c[k] else 3) if right > left else (0 if b[k] <= a[k] else 1)


@njit(nogil=True, error_model="numpy")
def max_pool_forward(x, out, winner, shape):
    """out ← the largest number of each window; `winner` ← which of its pixels that was, column by column."""
    height, width, channels, kh, kw, down, across, top, left, rows, columns = shape
    o, size = 0, height * width * channels
    for r in range(len(x)):
        for y in range(rows):
            for x_ in range(columns):
                corner = r * size + (y * down * width + x_ * across) * channels
                largest, which = pixel_of(out, o, channels), pixel_of(winner, o, channels)
                o += channels
                if kh == 2 and kw == 2:
                    under = corner + width * channels
                    largest_of_four(
                        pixel_of(x, corner, channels), pixel_of(x, under, channels),
                        pixel_of(x, corner + channels, channels), pixel_of(x, under + channels, channels),
                        largest, which,
                    )  # fmt: skip
                    continue
                pixel = pixel_of(x, corner, channels)
                for c in range(channels):
                    largest[c], which[c] = pixel[c], 0
                for k in range(1, kw * kh):  # of several equal ones the leftmost wins, and there the topmost
                    pixel = pixel_of(x, corner + (k % kh * width + k // kh) * channels, channels)
                    for c in range(channels):
                        which[c] = k if pixel[c] > largest[c] else which[c]
                        largest[c] = larger(largest[c], pixel[c])


@njit(nogil=True, error_model="numpy")
def max_pool_backward(dout, winner, dx, shape):
    """dx ← dout where the largest number stood, 0 elsewhere."""
    height, width, channels, kh, kw, down, across, top, left, rows, columns = shape
    o, size = 0, height * width * channels
    for r in range(len(dx)):
        fill(dx[r], 0)
        for y in range(rows):
            for x_ in range(columns):
                corner = r * size + (y * down * width + x_ * across) * channels
                back, which = pixel_of(dout, o, channels), pixel_of(winner, o, channels)
                for k in range(kw * kh):
                    pixel = pixel_of(dx, corner + (k % kh * width + k // kh) * channels, channels)
                    for c in range(channels):
                        pixel[c] += back[c] if which[c] == k else back.dtype.type(0)
                o += channels


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def average_pool_forward(x, out, shape):
    """out ← the mean of each window."""
    height, width, channels, kh, kw, down, across, top, left, rows, columns = shape
    share, o, size = x.dtype.type(1 / (kh * kw)), 0, height * width * channels
    for r in range(len(x)):
        for y in range(rows):
            for x_ in range(columns):
                corner, mean = r * size + (y * down * width + x_ * across) * channels, pixel_of(out, o, channels)
                fill(mean, 0)
                for k in range(kh * kw):
                    pixel = pixel_of(x, corner + (k // kw * width + k % kw) * channels, channels)
                    for c in range(channels):
                        mean[c] += pixel[c] * share
                o += channels


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def average_pool_backward(dout, dx, shape):
    """dx ← of each window that a pixel stands in, its equal share of dout."""
    height, width, channels, kh, kw, down, across, top, left, rows, columns = shape
    share, o, size = dx.dtype.type(1 / (kh * kw)), 0, height * width * channels
    for r in range(len(dx)):
        fill(dx[r], 0)
        for y in range(rows):
            for x_ in range(columns):
                corner, back = r * size + (y * down * width + x_ * across) * channels, pixel_of(dout, o, channels)
                for k in range(kh * kw):
                    pixel = pixel_of(dx, corner + (k // kw * width + k % kw) * channels, channels)
                    for c in range(channels):
                        pixel[c] += back[c] * share
                o += channels


@njit(nogil=True, error_model="numpy")
def feature_statistics(x, found):
    """found (2, features) ← mean and Σ (x − mean)² of each feature of x (rows, features), in float64."""
    rows, features = x.shape
    mean, squares = found[:features], found[features : 2 * features]
    fill(mean, 0)
    fill(squares, 0)
    for r in range(rows):
        for c in range(features):
            mean[c] += x[r, c]
    for c in range(features):
        mean[c] /= max(rows, 1)
    for r in range(rows):
        for c in range(features):
            squares[c] += (x[r, c] - mean[c]) ** 2


@njit(nogil=True, error_model="numpy")
def begin_merge(mean, squares):
    """Of no samples yet."""
    fill(mean, 0)
    fill(squares, 0)


@njit(nogil=True, error_model="numpy")
def merge(found, count, before, mean, squares):
    """mean, squares (features,) of `before` rows ← of those and the `count` more in which a worker `found` its own.

    Source: Chan, Golub, LeVeque, 1983, "Algorithms for computing the sample variance".
    """
    features, total = len(mean), before + count
    if count:
        for c in range(features):
            apart = found[c] - mean[c]
            mean[c] += apart * count / total
            squares[c] += found[features + c] + apart * apart * before * count / total


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def normalize(x, x_hat, y, mean, sharpness, gamma, beta):
    """x̂ ← (x − mean) · sharpness and y ← gamma · x̂ + beta, for x (rows, features)."""
    rows, features = x.shape
    for r in range(rows):
        for c in range(features):
            value = (x[r, c] - mean[c]) * sharpness[c]
            x_hat[r, c] = value
            y[r, c] = gamma[c] * value + beta[c]


@njit(nogil=True, error_model="numpy")
def normalization_sums(dy, x_hat, found):
    """found (2, features) ← Σ dy·x̂ and Σ dy over the rows, in float64."""
    rows, features = dy.shape
    along, total = found[:features], found[features : 2 * features]
    fill(along, 0)
    fill(total, 0)
    for r in range(rows):
        for c in range(features):
            along[c] += dy[r, c] * x_hat[r, c]
            total[c] += dy[r, c]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def denormalize(dy, x_hat, mean_along, mean_dy, strength):
    """Dy ← gamma / σ · (dy − mean(dy) − x̂ · mean(dy·x̂)), in place."""
    rows, features = dy.shape
    for r in range(rows):
        for c in range(features):
            dy[r, c] = strength[c] * (dy[r, c] - mean_dy[c] - x_hat[r, c] * mean_along[c])
