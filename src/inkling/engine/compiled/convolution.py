"""Convolution, compiled: sums that stay in registers while a window goes by.

What one window sees of a row of the image, the pixels under a row of the kernel with all their channels, lies in one
run of memory. So all three passes go run by run:

    z[y, x]      = b + Σ over i and the run:  image[y·s + i, x·s …] · W[i, …]        four windows at a time
    dW[i, run]   = Σ over y and x:  image[y·s + i, x·s …] · dz[y, x]                 four numbers of the run at a time
    dx[y·s + i, x·s …] += Σ over the channels of dz[y, x] · W[i, …]                  the whole run, lanes at a time

with the channels in lanes (lanes.py), as many multiplications as the definition in `inkling.nn.Conv2D` has, and
nothing laid out beforehand but the weights. Where the channels don't fill the lanes, zeros do.
"""

# mypy: ignore-errors

from numba import njit

from inkling.engine.compiled import lanes
from inkling.engine.compiled.dense import FAST
from inkling.engine.compiled.low_level import copy, fill, row


@njit(nogil=True, error_model="numpy")
def window_size(shape):
    """How many numbers a window sees."""
    return shape[3] * shape[4] * shape[2]


@njit(nogil=True, error_model="numpy")
def filled(count, step):
    """`count`, rounded up to whole lanes."""
    return (count + step - 1) // step * step


@njit(nogil=True, error_model="numpy")
def padded_size(shape):
    """(lines, numbers a line) of an image with the zeros around it that its windows reach."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    lines = max(top + height, (rows_ - 1) * down + kh)
    return lines, max(left + width, (columns - 1) * across + kw) * inputs


@njit(nogil=True, error_model="numpy")
def pad(image, padded, shape):
    """padded ← the image with zeros around it."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    line = padded_size(shape)[1]
    fill(padded, 0)
    for y in range(height):
        source = row(image.ctypes.data, y * width * inputs, width * inputs, image.dtype.type(0))
        copy(source, row(padded.ctypes.data, (top + y) * line + left * inputs, width * inputs, image.dtype.type(0)))


@njit(nogil=True, error_model="numpy")
def unpad(padded, image, shape):
    """image ← what `pad` was given."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    line = padded_size(shape)[1]
    for y in range(height):
        target = row(image.ctypes.data, y * width * inputs, width * inputs, image.dtype.type(0))
        copy(row(padded.ctypes.data, (top + y) * line + left * inputs, width * inputs, image.dtype.type(0)), target)


@njit(nogil=True, error_model="numpy")
def widen(matrix, wide, count, length, width):
    """wide (count, width) ← matrix (count, length), filled up with zeros; both flat."""
    number = matrix.dtype.type(0)
    for r in range(count):
        target = row(wide.ctypes.data, r * width, width, number)
        copy(row(matrix.ctypes.data, r * length, length, number), target)
        for c in range(length, width):
            target[c] = 0


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def forward(x, W, b, z, room, shape):
    """z (batch, rows · columns · channels) ← x (batch, height · width · inputs) convolved with W, + b.

    W (kh · kw · inputs · channels) and `room` lie flat.
    """
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, number, channels = lanes.width(z), z.dtype.type(0), len(b)
    seen, run, hop, wide = kh * kw * inputs, kw * inputs, across * inputs, filled(channels, step)
    lines, line = padded_size(shape)
    kernels, at = row(room.ctypes.data, 0, seen * wide, number), seen * wide
    biases, at = row(room.ctypes.data, at, wide, number), at + wide
    out, at = row(room.ctypes.data, at, columns * step, number), at + columns * step
    image = row(room.ctypes.data, at, lines * line, number)
    widen(W, kernels, seen, channels, wide)
    widen(b, biases, 1, channels, wide)
    for r in range(len(x)):
        pad(x[r], image, shape)
        for tile in range(0, wide, step):
            for y in range(rows_):
                for group in range(0, columns, 4):
                    # The last four windows may be some of those before, too: they come out the same again.
                    first = max(min(group, columns - 4), 0)
                    s0 = s1 = s2 = s3 = lanes.load(biases, tile)
                    two, three, four = hop * (columns > 1), 2 * hop * (columns > 2), 3 * hop * (columns > 3)
                    for i in range(kh):
                        p, w = (y * down + i) * line + first * hop, i * run * wide + tile
                        for q in range(p, p + run):
                            k = lanes.load(kernels, w)
                            s0 = lanes.multiply_add(lanes.broadcast(image, q), k, s0)
                            s1 = lanes.multiply_add(lanes.broadcast(image, q + two), k, s1)
                            s2 = lanes.multiply_add(lanes.broadcast(image, q + three), k, s2)
                            s3 = lanes.multiply_add(lanes.broadcast(image, q + four), k, s3)
                            w += wide
                    at = first * step
                    lanes.store(out, at, s0)
                    if columns > 1:
                        lanes.store(out, at + step, s1)
                    if columns > 2:
                        lanes.store(out, at + 2 * step, s2)
                    if columns > 3:
                        lanes.store(out, at + 3 * step, s3)
                some = min(step, channels - tile)
                start = (r * rows_ + y) * columns * channels + tile
                for k in range(columns):
                    target = row(z.ctypes.data, start + k * channels, some, number)
                    copy(row(out.ctypes.data, k * step, some, number), target)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def backward(x, W, dz, dW, db, dx, room, shape, more, to_input):
    """dW ← Σ windows · dz and db ← Σ dz, added with `more`; dx ← what each pixel gets from all windows that saw it."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, number, channels, places = lanes.width(dz), dz.dtype.type(0), len(db), rows_ * columns
    seen, run, wide, long = kh * kw * inputs, kw * inputs, filled(channels, step), filled(kw * inputs, step)
    lines, line = padded_size(shape)
    back, at = row(room.ctypes.data, 0, places * wide, number), places * wide
    image, at = row(room.ctypes.data, at, lines * line + long, number), at + lines * line + long
    sums, at = row(room.ctypes.data, at, seen * wide, number), at + seen * wide
    turned = row(room.ctypes.data, at, kh * channels * long if to_input else 0, number)
    fill(sums, 0)
    if not more:
        fill(dW, 0)
        fill(db, 0)
    if to_input:
        turn(W, turned, kh, run, channels, long)
    for r in range(len(dz)):
        widen(dz[r], back, places, channels, wide)
        for k in range(places):
            pixel = row(dz.ctypes.data, (r * places + k) * channels, channels, number)
            for c in range(channels):
                db[c] += pixel[c]
        pad(x[r], image, shape)
        add_products(image, back, sums, shape, line, wide)
        if to_input:
            fill(image, 0)
            spread(back, turned, image, shape, line, channels, wide, long)
            unpad(image, dx[r], shape)
    for k in range(seen):
        target, source = (
            row(dW.ctypes.data, k * channels, channels, number),
            row(sums.ctypes.data, k * wide, channels, number),
        )
        for c in range(channels):
            target[c] += source[c]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def add_products(image, back, sums, shape, line, wide):
    """sums (kh · run, wide) += Σ over all windows of what they see · back (rows · columns, wide)."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, run, hop = lanes.width(sums), kw * inputs, across * inputs
    for tile in range(0, wide, step):
        for i in range(kh):
            q = 0
            while q < run:
                some = min(4, run - q)
                # With less than four left, the others are done for nothing, and not kept.
                one, two, three = some > 1, 2 * (some > 2), 3 * (some > 3)
                s = (i * run + q) * wide + tile
                s0, s1 = lanes.load(sums, s), lanes.load(sums, s + one * wide)
                s2, s3 = lanes.load(sums, s + two * wide), lanes.load(sums, s + three * wide)
                for y in range(rows_):
                    p, d = (y * down + i) * line + q, y * columns * wide + tile
                    for _ in range(columns):
                        dz = lanes.load(back, d)
                        s0 = lanes.multiply_add(lanes.broadcast(image, p), dz, s0)
                        s1 = lanes.multiply_add(lanes.broadcast(image, p + one), dz, s1)
                        s2 = lanes.multiply_add(lanes.broadcast(image, p + two), dz, s2)
                        s3 = lanes.multiply_add(lanes.broadcast(image, p + three), dz, s3)
                        p += hop
                        d += wide
                lanes.store(sums, s, s0)
                if some > 1:
                    lanes.store(sums, s + wide, s1)
                if some > 2:
                    lanes.store(sums, s + 2 * wide, s2)
                if some > 3:
                    lanes.store(sums, s + 3 * wide, s3)
                q += some


@njit(nogil=True, error_model="numpy")
def turn(W, turned, kh, run, channels, long):
    """turned (kh, long / lanes, channels, lanes) ← W (kh, run, channels): for each lane of a run, all channels."""
    step = lanes.width(W)
    fill(turned, 0)
    for i in range(kh):
        for q in range(run):
            start = (i * long + q // step * step) * channels + q % step
            for c in range(channels):
                turned[start + c * step] = W[(i * run + q) * channels + c]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def spread(back, turned, image, shape, line, channels, wide, long):
    """image += for each window, what its pixels get: Σ over the channels of back (rows · columns, wide) · weights."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, hop = lanes.width(image), across * inputs
    for i in range(kh):
        part = 0
        while part < long:
            w = (i * long + part) * channels
            next_w = step * channels
            if part + 4 * step <= long:
                for y in range(rows_):
                    for x in range(columns):
                        p, d = (y * down + i) * line + x * hop + part, (y * columns + x) * wide
                        s0, s1 = lanes.load(image, p), lanes.load(image, p + step)
                        s2, s3 = lanes.load(image, p + 2 * step), lanes.load(image, p + 3 * step)
                        k = w
                        for c in range(d, d + channels):
                            dz = lanes.broadcast(back, c)
                            s0 = lanes.multiply_add(dz, lanes.load(turned, k), s0)
                            s1 = lanes.multiply_add(dz, lanes.load(turned, k + next_w), s1)
                            s2 = lanes.multiply_add(dz, lanes.load(turned, k + 2 * next_w), s2)
                            s3 = lanes.multiply_add(dz, lanes.load(turned, k + 3 * next_w), s3)
                            k += step
                        lanes.store(image, p, s0)
                        lanes.store(image, p + step, s1)
                        lanes.store(image, p + 2 * step, s2)
                        lanes.store(image, p + 3 * step, s3)
                part += 4 * step
            else:
                # Too few lanes to keep the processor busy: four sums over a quarter of the channels each.
                nothing = lanes.spread(image.dtype.type(0))
                for y in range(rows_):
                    for x in range(columns):
                        p, d = (y * down + i) * line + x * hop + part, (y * columns + x) * wide
                        s0, s1, s2, s3 = lanes.load(image, p), nothing, nothing, nothing
                        k, c = w, 0
                        while c + 4 <= channels:
                            s0 = lanes.multiply_add(lanes.broadcast(back, d + c), lanes.load(turned, k), s0)
                            s1 = lanes.multiply_add(lanes.broadcast(back, d + c + 1), lanes.load(turned, k + step), s1)
                            s2 = lanes.multiply_add(
                                lanes.broadcast(back, d + c + 2), lanes.load(turned, k + 2 * step), s2
                            )
                            s3 = lanes.multiply_add(
                                lanes.broadcast(back, d + c + 3), lanes.load(turned, k + 3 * step), s3
                            )
                            k += 4 * step
                            c += 4
                        while c < channels:
                            s0 = lanes.multiply_add(lanes.broadcast(back, d + c), lanes.load(turned, k), s0)
                            k += step
                            c += 1
                        lanes.store(image, p, lanes.add(lanes.add(s0, s1), lanes.add(s2, s3)))
                part += step
