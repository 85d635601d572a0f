"""Picture files: whatever a phone, a scanner or a drawing program saves, opened as colours on opaque paper.

What the pixels mean is decided here: which way is up, what lies behind transparent ones, how bright is bright.
What is written on the paper is `ink`'s and `handwriting`'s business. `images` opens its pictures here, too.
"""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from inkling.data.files import cause, open_for_reading
from inkling.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

Colours = NDArray[np.float32]
"""Red, green and blue (height, width, 3), 0 to 255."""
Picture = str | Path | BinaryIO | NDArray[np.uint8]

MOST_PIXELS = 80_000_000  # asked before a pixel is decoded; decoding takes 4 to 9 bytes for each
LONGEST = 1280  # pixels: a larger picture is reduced to this height or width before anything is looked for in it
GREY_ENOUGH = 16  # how far apart red, green and blue may lie in a picture that is grey, given JPEG's rounding
SMALLEST = 8  # pixels: in fewer no digit can be told from another
PROGRAMS = ("EPS", "WMF")  # formats that are drawn by running their commands, which a stranger's file shall not
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis")  # what such a file says of its kind


def open_picture(picture: Picture) -> Colours:
    """Open a picture: its first frame, upright, without transparency, at most 1,280 pixels high and wide.

    picture: a path, or a file open for reading in binary. Any format that Pillow reads, of 8 to 32 bits a channel, in
    grey, in colour or with a palette. Or its pixels, uint8: grey (height, width), or with three or four channels, red,
    green, blue and opacity. Transparent pixels show paper that whatever is drawn stands out from.
    Returns float32 (height, width, 3), 0 to 255; pictures that are not reduced keep their values to the bit.

    Raises `DataError`, naming the file, for what is no picture or not a whole one, for more than 80 million pixels,
    and for a height or width that no digit fits into.
    """
    if isinstance(picture, np.ndarray):
        return from_pixels(picture)
    with opened(picture) as image:
        # A large JPEG decodes to a half, a quarter or an eighth for a fraction of the work.
        image.draft(None, (LONGEST, LONGEST))
        refuse_size(image.size)  # before a pixel is decoded
        return on_paper(upright(image))


def from_pixels(pixels: NDArray[Any]) -> Colours:
    """The same for an array of pixels."""
    from PIL import Image

    grey = pixels.ndim == 2
    if pixels.dtype != np.uint8 or not pixels.size or not (grey or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise DataError(
            f"an array of {pixels.dtype} {pixels.shape} is no picture: it must be uint8, of shape (height, width), "
            "(height, width, 3) or (height, width, 4)"
        )
    refuse_size((pixels.shape[1], pixels.shape[0]))
    return on_paper(Image.fromarray(np.ascontiguousarray(pixels)))


@contextmanager
def opened(picture: str | Path | BinaryIO) -> Iterator[Image.Image]:
    """The picture, not a pixel of it decoded yet; what goes wrong inside is a `DataError` that names the file."""
    from PIL import Image

    source: AbstractContextManager[BinaryIO]
    if not (isinstance(picture, str | Path) or hasattr(picture, "read")):
        raise DataError(f"{picture!r} is no picture: give a path, a file open for reading in binary, or an array")
    if isinstance(picture, str | Path):
        path = Path(picture)
        refuse_unless_a_file(path)
        name, source = str(path), open_for_reading(path)
    else:
        name, source = str(getattr(picture, "name", "the picture")), nullcontext(picture)
    with source as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd metadata; what counts is asked
        try:
            with Image.open(file) as image:
                if image.format in PROGRAMS:
                    raise DataError(f"{image.format} files are programs that draw; save it as PNG or JPEG")
                yield image
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        except Image.DecompressionBombError:  # what Pillow will not even open
            raise DataError(f"{name}: the picture has too many pixels: {_too_large()}") from None
        except MemoryError:
            raise DataError(f"{name}: there is not enough memory to decode it; make it smaller") from None
        except Exception as error:  # Pillow's readers raise whatever a damaged file makes them stumble over
            raise DataError(f"{name}: {_why_unreadable(file, error)}") from None


def refuse_unless_a_file(path: Path) -> None:
    """Raise `DataError` for what is not there, a folder, and what would never end or never begin: devices and pipes."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # a ValueError is a name that no file can have
        raise DataError(f"{path}: {cause(error) if isinstance(error, OSError) else error}") from None
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: {cause(IsADirectoryError())}")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: this is a device or a pipe, and a picture file belongs here")


def refuse_size(size: tuple[int, int]) -> None:
    """Raise `DataError` for pictures that are too large to decode, or too small to hold a digit."""
    width, height = size
    if width * height > MOST_PIXELS:
        raise DataError(f"the picture is {width:,} × {height:,} pixels: {_too_large()}")
    if max(width, height) < SMALLEST:
        raise DataError(f"the picture is {width} × {height} pixels; a digit needs at least {SMALLEST}")


def upright(image: Image.Image) -> Image.Image:
    """The picture as its camera was held, and not much larger than is needed."""
    from PIL import ImageOps

    image.load()
    refuse_size(image.size)  # the header of an icon may say less than is in it
    with suppress(Exception):  # damaged metadata does not make the pixels unreadable
        ImageOps.exif_transpose(image, in_place=True)  # or it copies even what stands upright
    return image


def on_paper(image: Image.Image) -> Colours:
    """The picture in colours, reduced, nothing transparent."""
    if image.mode.startswith(("I", "F")):
        grey = _reduced(_in_8_bits(np.asarray(image)))
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode == "LAB":
        image = image.getchannel("L")
    if image.has_transparency_data:
        return laid_on_paper(np.asarray(_reduced(_as(image, "RGBA")), dtype=np.float32))
    return np.array(_reduced(_as(image, "RGB")), dtype=np.float32)


def laid_on_paper(rgba: NDArray[np.float32]) -> Colours:
    """Colours with opacity (height, width, 4), 0 to 255, on paper that what is drawn stands out from.

    Where most of the edge is opaque the paper is in the picture, and continues. Where it is not, the picture is ink
    alone, and lies on white unless the ink is light.
    """
    colours, opacity = rgba[..., :3], rgba[..., 3:] / 255
    edge = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])
    solid = edge[edge[:, 3] > 127]
    if 2 * len(solid) >= len(edge):
        paper = np.median(solid[:, :3], axis=0)
    else:
        ink = float((colours * opacity).sum() / max(3 * opacity.sum(), 1e-6))
        paper = np.float32(0 if ink > 127 else 255)
    return np.asarray(colours * opacity + paper * (1 - opacity), dtype=np.float32)


def _in_8_bits(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Grey values of more than 8 bits as 0 … 255, whichever of the usual ranges they are stored in."""
    values = grey.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError("some of its pixels are infinite, or not numbers")
    values -= min(float(values.min()), 0)
    highest = float(values.max())
    white = next((limit for limit in (1.0 if grey.dtype.kind == "f" else 255.0, 255.0, 65535.0) if highest <= limit), 0)
    return np.asarray(values * np.float32(255 / (white or highest)))


def _as(image: Image.Image, mode: str) -> Image.Image:
    """The picture in this mode. Pillow's `convert` copies it, however large, even if it is in that mode."""
    return image if image.mode == mode else image.convert(mode)


def _reduced(picture: Any) -> Any:
    """A Pillow image or a float array, by area average, so that a thin line fades rather than breaks."""
    from PIL import Image

    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    scale = LONGEST / max(image.size)
    if scale >= 1:
        return picture
    width, height = (max(round(side * scale), 1) for side in image.size)
    if min(width, height) < 3:
        raise DataError(f"the picture is {image.size[0]:,} × {image.size[1]:,} pixels: no digit fits into such a strip")
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small) if isinstance(picture, np.ndarray) else small


def _too_large() -> str:
    return f"more than {MOST_PIXELS // 1_000_000} million are not decoded; make it smaller"


def _why_unreadable(file: BinaryIO, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    file.seek(0)
    head = file.read(64)
    if not head:
        return "the file is empty"
    if head[4:8] == b"ftyp" and any(brand in head[8:] for brand in HEIC):
        return "a HEIC picture, which Pillow does not read; save it as JPEG or PNG"
    if head.startswith(b"%PDF"):
        return "a PDF, and a picture belongs here; save the page as PNG"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture of a known kind, such as PNG or JPEG"
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return f"not a readable picture ({first})"
