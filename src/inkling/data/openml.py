"""MNIST from OpenML, which scikit-learn knows how to fetch, in a process of its own.

`fetch_openml` has no time-out, and the only way to give it one is a setting of the whole process: every other
connection that is opened meanwhile would have it too. So it is asked in a process that does nothing else (this file,
run with `python -m`); the gigabyte that it takes to read the file goes with that.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkling.data.download import MirrorError


def fetch(seconds: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """All images, (n, 28, 28) uint8, and labels, (n,) uint8.

    Raises MirrorError if there is no answer for so many seconds, or whatever else goes wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mnist.npz"
        command = [sys.executable, "-m", "inkling.data.openml", str(seconds), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            line = (done.stdout.splitlines() or [f"its process ended with {done.returncode}"])[-1]
            raise MirrorError(f"fetch_openml failed ({line})")
        with np.load(file) as arrays:
            return arrays["images"], arrays["labels"]


def main(seconds: float, file: Path) -> None:
    """Ask OpenML, and write what it has to the file; or say in the last line why not, and end with an error."""
    from sklearn.datasets import fetch_openml

    socket.setdefaulttimeout(seconds)
    try:
        bunch = fetch_openml("mnist_784", version=1, as_frame=False, parser="auto", cache=False, n_retries=0)
        images = np.asarray(bunch.data).astype(np.uint8).reshape(-1, 28, 28)
        labels = np.asarray(bunch.target).astype(np.uint8)
    except Exception as error:  # network, parser, another layout: whatever it is, the next mirror is asked
        print(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
        sys.exit(1)
    np.savez(file, images=images, labels=labels)


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]))
