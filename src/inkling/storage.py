"""Networks on disk: models, checkpoints, and the folder that a training run leaves behind.

A model is a safetensors file: the parameters under their names ("dense_1.W"), what layers keep beside them
("batchnorm_1.running_mean"), and the architecture as JSON in the metadata, which is enough to predict with nothing
else. Safetensors holds numbers and text only, so a file from a stranger cannot run code here (a pickle could); a
checksum tells when one is damaged. Everything is written beside its place and then renamed, so a crash leaves the old
file whole. One model comes along with Inkling itself: "pretrained".
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from inkling.errors import InklingError, ModelFileError
from inkling.nn import Network
from inkling.nn.part import Array

FORMAT = "inkling-network"
RUNS = Path("runs")
"""Where run folders go unless told otherwise: below the current folder."""
PRETRAINED = Path(__file__).with_name("pretrained") / "conv-robust.safetensors"
"""The network that comes along, made by `make pretrained`; its card lies beside it."""


def write_atomically(path: Path | str, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it there.

    Either the new content stands there whole, or what was there before. A link is followed. Raises InklingError if
    the folder cannot be written to, or if `path` is no file: renaming onto a device or a pipe would destroy it.
    """
    path = Path(path).resolve()
    if path.exists() and not path.is_file():
        raise InklingError(f"cannot write {path}: it is {'a folder' if path.is_dir() else 'a device or a pipe'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            write(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InklingError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path: Path | str, text: str) -> None:
    """Write a text file atomically, as UTF-8."""
    write_atomically(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write a value as readable JSON, atomically. NaN and infinity become null: JSON has no word for them."""
    write_text(path, json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """The value with every NaN and infinity replaced by None, and NumPy's numbers by Python's."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def write_arrays(path: Path | str, arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Arrays by name, and metadata (any JSON value by name), as one safetensors file."""
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    # One entry for all of it: safetensors writes several in any order, and the same model should be the same file.
    described = json.dumps({**metadata, "checksum": checksum(contiguous, metadata)}, sort_keys=True)
    content = save(contiguous, {"inkling": described})
    write_atomically(path, lambda beside: beside.write_bytes(content))


def checksum(arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> str:
    """A number that changes, almost surely, when anything in a file does: a flipped bit is a wrong weight."""
    total = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        total = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), total)
        total = zlib.crc32(array.reshape(-1).view(np.uint8).data, total)
    return f"{total:08x}"


def read_arrays(path: Path | str) -> tuple[dict[str, Array], dict[str, Any]]:
    """What `write_arrays` wrote. Raises ModelFileError if the file is missing, damaged or something else."""
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise ModelFileError(f"{path} {kind}; expected a .safetensors file")
    try:
        with safe_open(path, framework="np") as file:
            metadata = json.loads((file.metadata() or {}).get("inkling", "{}"))
            if "checksum" not in metadata:
                raise ModelFileError(f"{path} is a safetensors file, but holds no Inkling network")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.pop("checksum") != checksum(arrays, metadata):
            raise ModelFileError(f"{path} is damaged: its content does not match its checksum")
        return arrays, metadata
    except ModelFileError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"{path} is damaged, cut short, or no safetensors file ({reason})") from None


def save_model(
    network: Network, path: Path | str, *, about: Mapping[str, Any] | None = None, half: bool = False
) -> Path:
    """Write the network to `path` (.safetensors): parameters and state, and the architecture as metadata.

    `about` is anything worth knowing about it (a JSON value by name: the recipe, the accuracy …).
    `half` rounds the numbers to float16 (three decimal digits), for a file of half the size; loaded, they are what the
    architecture says again. Raises ValueError if one is too large for that (above 65,504).
    """
    path = Path(path)
    arrays = everything(network)
    metadata: dict[str, Any] = {"format": FORMAT, "version": 1, "network": network.config(), "about": dict(about or {})}
    if half:
        arrays = {name: rounded(name, values) for name, values in arrays.items()}
        metadata["stored"] = "float16"
    write_arrays(path, arrays, metadata)
    return path


def everything(network: Network) -> dict[str, Array]:
    """All numbers that make up a network, by name: what it has learned, and what its layers keep beside that."""
    return {**dict(network.named_parameters()), **dict(network.named_state())}


def rounded(name: str, values: Array) -> Array:
    """The values as float16. Raises ValueError if one is too large for that."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"{name} holds numbers that float16 cannot: save the network with half=False")
    return half


def load_pretrained() -> Network:
    """The network that comes along with Inkling: it reads digits at once, without data, network or training.

    A fresh one at each call, (28, 28, 1) → 10 classes, float32, ready to predict or to be trained on. What it was
    trained on, how well it reads and where it fails: docs/model_card.md.
    """
    return load_model("pretrained")


def load_model(model: Path | str) -> Network:
    """The network in a .safetensors file, in a run folder, in the newest run ("latest"), or the one that comes along
    ("pretrained").

    Raises ModelFileError with one clear line if there is none, or the file is damaged or foreign.
    """
    path = find_model(model)
    arrays, metadata = read_arrays(path)
    if metadata.get("format") != FORMAT:
        raise ModelFileError(f"{path} is a safetensors file, but holds no Inkling network")
    if metadata.get("version") != 1:
        raise ModelFileError(f"{path} was written by a newer Inkling (format {metadata.get('version')}): upgrade")
    stored = metadata.get("stored")
    if stored is not None and stored != "float16":
        raise ModelFileError(f"{path} stores its numbers as {stored!r}, which this Inkling cannot read: upgrade")
    try:
        check_numbers(arrays, metadata["network"]["dtype"], stored)
        return Network.from_config(metadata["network"], arrays)
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except (TypeError, KeyError, AttributeError, MemoryError) as error:
        raise ModelFileError(f"{path}: its architecture cannot be read ({error})") from None


def check_numbers(arrays: Mapping[str, Array], dtype: str, stored: str | None = None) -> None:
    """Raise ValueError unless all arrays are of that type, and all numbers finite.

    Numbers of another type, rounded ones, are taken only where the file itself says that they are `stored` so:
    somebody meant them to be.
    """
    said = f"the file says {stored}" if stored else f"the architecture says {dtype}"
    for name, array in arrays.items():
        if array.dtype != (stored or dtype):
            raise ValueError(f"{name} is {array.dtype}, {said}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite")


def find_model(model: Path | str) -> Path:
    """The .safetensors file that a user means by a file, a run folder, "latest" or "pretrained"."""
    if str(model) == "pretrained":
        return PRETRAINED
    path = latest_run() if str(model) == "latest" else Path(model)
    if not str(model).strip() or not path.exists():
        known = "give a run folder, a .safetensors file, latest or pretrained"
        raise ModelFileError(f"there is no model at {str(model)!r}: {known}")
    if not path.is_dir():
        return path
    if not (path / "model.safetensors").is_file():
        raise ModelFileError(f"{path} holds no model.safetensors: is it a run folder?")
    return path / "model.safetensors"


class RunFolder:
    """The folder of one training run, and what lies where in it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.recipe = self.path / "recipe.toml"
        self.history = self.path / "history.csv"
        self.metrics = self.path / "metrics.json"
        self.model = self.path / "model.safetensors"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.vitals = self.path / "vitals.csv"
        self.figures = self.path / "figures"
        self.report = self.path / "report.html"

    @classmethod
    def create(cls, name: str, out: Path | str | None = None) -> RunFolder:
        """A new folder: `out`, or runs/<UTC time>-<name>.

        Raises InklingError if `out` exists and is not empty, or cannot be made.
        """
        cls.check_free(out)
        try:
            if out is not None:
                path = Path(out)
                path.mkdir(parents=True, exist_ok=True)
                return cls(path)
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            tidy = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "run"
            path, number = RUNS / f"{stamp}-{tidy}", 1
            RUNS.mkdir(parents=True, exist_ok=True)
            while True:
                # Making it is the only sure way to know that no other run, begun in the same second, has it.
                with contextlib.suppress(FileExistsError):
                    path.mkdir()
                    return cls(path)
                number += 1
                path = RUNS / f"{stamp}-{tidy}-{number}"
        except OSError as error:
            raise InklingError(f"cannot make the run folder {path}: {error.strerror or error}") from None

    @staticmethod
    def check_free(out: Path | str | None) -> None:
        """Raise InklingError if `out` exists and is not empty: nothing is overwritten."""
        path = None if out is None else Path(out)
        try:
            taken = path is not None and path.exists() and (not path.is_dir() or any(path.iterdir()))
        except OSError as error:
            raise InklingError(f"--out {path}: {error.strerror or error}") from None
        if taken:
            raise InklingError(f"--out {path} exists already and is not empty: name a new folder")

    @classmethod
    def open(cls, run: Path | str) -> RunFolder:
        """The folder of an existing run: a path, or "latest". Raises InklingError if it is none."""
        if str(run) == "pretrained":
            raise InklingError("pretrained is the network that comes along, and no run: it left no folder to look at")
        path = latest_run() if str(run) == "latest" else Path(run)
        if not path.is_dir():
            raise InklingError(f"there is no run folder at {path}")
        folder = cls(path)
        if not folder.recipe.is_file():
            raise InklingError(f"{path} holds no recipe.toml: it is no run folder")
        return folder

    def remove_if_bare(self) -> None:
        """Remove the folder if the run never came to save anything but its recipe."""
        if not self.model.exists() and not self.checkpoint.exists():
            self.recipe.unlink(missing_ok=True)
            self.history.unlink(missing_ok=True)
            self.vitals.unlink(missing_ok=True)
            for events in self.path.glob("events.out.tfevents.*"):
                events.unlink()
            with contextlib.suppress(OSError):
                self.path.rmdir()
            if self.path.parent == RUNS:
                with contextlib.suppress(OSError):  # other runs live there
                    RUNS.rmdir()


def latest_run(runs: Path = RUNS) -> Path:
    """The newest run folder that holds a model. Raises ModelFileError if there is none."""
    found = [path.parent for path in runs.glob("*/model.safetensors")] if runs.is_dir() else []
    if not found:
        advice = "train one with `inkling train`, or name a model (pretrained comes along)"
        raise ModelFileError(f"there is no run in {runs}{os.sep} yet: {advice}")
    return max(found, key=lambda folder: ((folder / "model.safetensors").stat().st_mtime_ns, folder.name))
