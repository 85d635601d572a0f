"""Where digits come from: uint8 images and integer labels, whatever they were stored as.

`load_data` is the door. Behind it each kind of source has a file of its own (`idx`, `tables`, `archives`,
`images`, `bundled`), MNIST is fetched by `mirrors` and `download` and kept by `cache`, and `splits` says how
digits are held and divided. Nothing here knows a network, a recipe or a screen: who wants to show progress
hands in a callback.
"""

from inkling.data.archives import read_npz
from inkling.data.augment import Augment
from inkling.data.bundled import bundled_digits
from inkling.data.cache import CachedFile, FileState, cache_folder, cached_files, clear_cache, verify
from inkling.data.corruptions import CORRUPTIONS, Corruption, corrupt
from inkling.data.handwriting import Prepared, to_mnist
from inkling.data.idx import read_idx, write_idx
from inkling.data.images import read_image
from inkling.data.mirrors import DownloadError, fetch_mnist
from inkling.data.sources import load_data, read_path
from inkling.data.splits import Digits, Split, SplitPlan, divide
from inkling.data.tables import iter_csv, read_csv
from inkling.data.terminal import ascii_digit

__all__ = [
    "CORRUPTIONS",
    "Augment",
    "CachedFile",
    "Corruption",
    "Digits",
    "DownloadError",
    "FileState",
    "Prepared",
    "Split",
    "SplitPlan",
    "ascii_digit",
    "bundled_digits",
    "cache_folder",
    "cached_files",
    "clear_cache",
    "corrupt",
    "divide",
    "fetch_mnist",
    "iter_csv",
    "load_data",
    "read_csv",
    "read_idx",
    "read_image",
    "read_npz",
    "read_path",
    "to_mnist",
    "verify",
    "write_idx",
]
