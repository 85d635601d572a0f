"""What a training ran on: the versions and the machine that its speed, and its last bits, depend on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def environment() -> dict[str, str]:
    """Python, NumPy, BLAS, processor, cores, system and Inkling's version, as plain words by plain names."""
    import numpy as np
    from threadpoolctl import threadpool_info

    from inkling import __version__
    from inkling.engine import available_threads

    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # SciPy brings a BLAS of its own; the network computes with NumPy's.
    libraries.sort(key=lambda library: "numpy" not in library["filepath"])
    blas = f"{libraries[0]['internal_api']} {libraries[0]['version'] or ''}".strip() if libraries else "unknown"
    cores = os.cpu_count() or 1
    usable = available_threads()
    return {
        "Inkling": __version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "NumPy": np.__version__,
        "BLAS": blas,
        "processor": processor(),
        "cores": f"{cores}" if usable == cores else f"{usable} usable of {cores}",
        "system": platform.platform(aliased=True, terse=True),
    }


def processor() -> str:
    """The processor's name, as precisely as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()
