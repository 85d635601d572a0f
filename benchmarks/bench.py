"""Inkling beside what a user would pick instead, in turn, on the same work.

`make bench` runs everything and writes results.md and results.json; `make bench-quick` takes under two minutes and
only prints. Peers alternate (A B C A B C …), each in a process of its own that waits while the others work, so a
noisy moment of the machine hits all of them alike; ratios are taken within a round, and the median over rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from workloads import WORKLOADS, Workload, prepare

HERE = Path(__file__).resolve().parent
PEERS = {
    "compiled": ["inkling_peer.py", "compiled"],
    "numpy": ["inkling_peer.py", "numpy"],
    "floor": ["floor_peer.py"],
    "PyTorch eager": ["torch_peer.py", "eager"],
    "PyTorch fused": ["torch_peer.py", "fused"],
    "PyTorch channels_last": ["torch_peer.py", "channels_last"],
    "PyTorch compiled": ["torch_peer.py", "compiled"],
    "JAX": ["jax_peer.py"],
    "scikit-learn": ["sklearn_peer.py"],
}
REST = 0.3
"""Seconds between turns: the threads of some libraries go on spinning for a while when their work is done."""
TURN = 1.0
"""Seconds that a turn should take: as many epochs as fit."""
OWN = ("compiled", "numpy")
"""Inkling's engines; what peers are compared with is the first."""
QUICK = ("compiled", "floor", "PyTorch fused", "PyTorch channels_last", "JAX")
RIVALS = tuple(name for name in PEERS if name not in (*OWN, "floor"))
NOT_FOR = {True: ("floor", "scikit-learn"), False: ("PyTorch channels_last",)}
"""Peers that have nothing to say to networks with convolutions, and to those without."""
PREDICTIONS = (("A", "one image", 1), ("A", "10,000 images", 10_000), ("I", "one image", 1))
"""Workload, what is asked for, and how many images that is."""


class Process:
    """A peer at work on one workload."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        script, *rest = PEERS[name]
        threads = str(len(os.sched_getaffinity(0)))
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "peers" / script), str(folder), *rest],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if os.environ.get("BENCH_QUIET", "1") == "1" else None,
            text=True,
            env={**unfettered(), "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        )
        self.base_mb = float(self.answer()["base_mb"])

    def ask(self, command: str, number: int = 0, count: int = 1) -> dict[str, Any]:
        """Give the peer its turn."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command} {number} {count}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """What it said. Raises RuntimeError with the last thing it complained of, if it has died."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            said = (self.process.stderr.read() if self.process.stderr else "").strip().splitlines()
            errors = [line for line in said if "Error" in line] or said
            raise RuntimeError(errors[-1] if errors else "it ended without a word")
        return json.loads(line)

    def end(self) -> None:
        """Let it go."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def unfettered() -> dict[str, str]:
    """The environment without what would keep a library from choosing the fastest kernels for this processor."""
    fetters = ("OPENBLAS_", "MKL_", "ONEDNN_", "DNNL_", "XLA_FLAGS", "NPY_DISABLE", "ATEN_CPU_CAPABILITY")
    return {name: value for name, value in os.environ.items() if not name.startswith(fetters)}


def start(names: tuple[str, ...], folder: Path, missing: dict[str, str]) -> dict[str, Process]:
    """All peers that can do this workload; what stops the others goes into `missing`."""
    ready = {}
    for name in names:
        try:
            ready[name] = Process(name, folder)
        except RuntimeError as error:
            missing[name] = str(error)
    return ready


def train_rounds(workload: Workload, names: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """Seconds an epoch of every peer, round by round, after a warm-up."""
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        prepare(Path(place), workload)
        unfit = NOT_FOR[bool(workload.convolutions)]
        peers = start(tuple(name for name in names if name not in unfit), Path(place), missing)
        times: dict[str, list[float]] = {name: [] for name in peers}
        losses: dict[str, float] = {}
        memory: dict[str, float] = {}
        trained = dict.fromkeys(peers, 0)
        steps = dict.fromkeys(peers, 1)
        for number in range(rounds + 1):
            for name, peer in list(peers.items()):
                sleep(REST)
                try:
                    answer = peer.ask("epochs", trained[name], steps[name])
                    trained[name] += steps[name]
                    if number == 0:
                        losses[name] = peer.ask("loss")["loss"]
                        again = peer.ask("epochs", 1)["seconds"]  # the first one may have compiled something
                        steps[name], trained[name] = max(1, round(TURN / again)), 2
                except RuntimeError as error:
                    missing[name] = str(error)
                    del peers[name], times[name]
                    continue
                memory[name] = answer["peak_mb"]
                if number:
                    times[name].append(answer["train_loss"] if name == "floor" else answer["seconds"])
        bases = {name: peer.base_mb for name, peer in peers.items()}
        for peer in peers.values():
            peer.end()
    return {
        "workload": workload.title,
        "seconds": times,
        "loss_after_first": {name: value for name, value in losses.items() if name != "floor"},
        "peak_mb": memory,
        "base_mb": bases,
        "missing": missing,
    }


def predict_rounds(names: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """Seconds for one image and for ten thousand, round by round."""
    missing: dict[str, str] = {}
    results: dict[str, Any] = {}
    for key, what, count in PREDICTIONS:
        workload = WORKLOADS[key]
        left_out = ("numpy", "floor", "PyTorch compiled", *NOT_FOR[bool(workload.convolutions)])
        with tempfile.TemporaryDirectory() as place:
            prepare(Path(place), workload)
            peers = start(tuple(name for name in names if name not in left_out), Path(place), missing)
            times: dict[str, list[float]] = {name: [] for name in peers}
            for _ in range(rounds):
                for name, peer in peers.items():
                    times[name].append(peer.ask("predict", count)["seconds"])
            for peer in peers.values():
                peer.end()
        results[f"{workload.sizes_title}, {what}"] = times
    return {"workload": "prediction", "seconds": results, "missing": missing}


COLD = {
    "Inkling": "import sys, numpy as np, inkling; n = inkling.load_model(sys.argv[1] + '/model.safetensors'); "
    "print(n.predict(np.load(sys.argv[1] + '/image.npy')))",
    "PyTorch": "import sys, numpy as np, torch; n = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), "
    "torch.nn.Linear(128, 10)); n.load_state_dict(torch.load(sys.argv[1] + '/model.pt')); "
    "print(n(torch.from_numpy(np.load(sys.argv[1] + '/image.npy'))).argmax(1))",
}


def cold_rounds(rounds: int) -> dict[str, Any]:
    """Seconds from the shell to the first prediction of a saved model."""
    import numpy as np
    from workloads import build

    from inkling import save_model

    missing: dict[str, str] = {}
    times: dict[str, list[float]] = {name: [] for name in COLD}
    with tempfile.TemporaryDirectory() as place:
        save_model(build(WORKLOADS["A"]), Path(place) / "model.safetensors")
        np.save(Path(place) / "image.npy", np.zeros((1, 784), np.float32))
        try:
            import torch

            torch.save(
                torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)).state_dict(),
                Path(place) / "model.pt",
            )
        except ImportError as error:
            missing["PyTorch"] = str(error)
            del times["PyTorch"]
        for number in range(rounds + 1):
            for name, kept in times.items():
                began = perf_counter()
                subprocess.run(
                    [sys.executable, "-c", COLD[name], place], check=True, stdout=subprocess.DEVNULL, env=unfettered()
                )
                if number:
                    kept.append(perf_counter() - began)
    return {"workload": "from the shell to the first prediction", "seconds": times, "missing": missing}


def ratios(times: dict[str, list[float]], name: str, base: str = "compiled") -> list[float]:
    """Round by round, how many times as long as `base` the peer took."""
    return [other / own for other, own in zip(times[name], times[base], strict=True)]


def fastest(times: dict[str, list[float]]) -> str | None:
    """The peer with the smallest median."""
    rivals = {name: statistics.median(times[name]) for name in times if name in (*RIVALS, "PyTorch")}
    return min(rivals, key=rivals.__getitem__) if rivals else None


def machine() -> dict[str, str]:
    """Where this was measured, and with what."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    packages = {}
    for package in ("inkling-nn", "numpy", "numba", "torch", "jax", "scikit-learn"):
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            packages[package] = "not installed"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cpu": f"{cpu}, {len(os.sched_getaffinity(0))} cores",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {number}" for name, number in packages.items()),
    }


def spread(values: list[float]) -> str:
    """Median and range of ratios."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def row(key: str, result: dict[str, Any]) -> list[str]:
    """One line of the training table."""
    times = result["seconds"]
    best = fastest(times)
    cells = [key, result["workload"]]
    for name in (*OWN, *RIVALS):
        cells.append(f"{statistics.median(times[name]):.3f}" if times.get(name) else "–")
    cells.append(f"{best}: {spread(ratios(times, best))}" if best else "–")
    cells.append(spread(ratios(times, "compiled", "floor")) if "floor" in times else "–")
    return cells


def markdown(results: dict[str, Any]) -> str:
    """The tables of results.md."""
    lines = ["# Inkling beside its peers", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        "",
        "Median seconds an epoch of 60,000 images (F: one step of 56,000); *compiled* and *numpy* are Inkling's "
        "engines. "
        "*Fastest peer*: its time over that of *compiled*, so above 1 Inkling is ahead; median and range over the "
        "rounds. *Floor*: the time of *compiled* over that of the same matrix products alone, done in full.",
        "",
    ]
    lines += table(["", "workload", *OWN, *RIVALS, "fastest peer", "floor"], training_rows(results))
    for key in ("G", "H"):
        if key in results:
            lines += ["", *other_table(key, results[key])]
    lines += ["", "## Peak memory, MB", ""]
    names = [*OWN, *RIVALS]
    rows = [
        [key, *(f"{results[key]['peak_mb'].get(name, float('nan')):.0f}" for name in names)]
        for key in WORKLOADS
        if key in results
    ]
    lines += table(["", *names], rows)
    complaints = {
        f"{key} {name}: {why}" for key, result in results.items() for name, why in result.get("missing", {}).items()
    }
    if complaints:
        lines += ["", "## Not measured", "", *(f"- {line}" for line in sorted(complaints))]
    return "\n".join(lines) + "\n"


def training_rows(results: dict[str, Any]) -> list[list[str]]:
    """A row for each training workload that was run."""
    return [row(key, results[key]) for key in WORKLOADS if key in results]


def other_table(key: str, result: dict[str, Any]) -> list[str]:
    """Prediction, or the cold start."""
    by_what = result["seconds"] if key == "G" else {"": result["seconds"]}
    lines = [f"## {key}: {result['workload']}", ""]
    for what, times in by_what.items():
        scale, unit = (1e6, "µs") if "one image" in what else (1e3, "ms") if what else (1, "s")
        heads = [what, *times]
        cells = [f"{statistics.median(values) * scale:.3g} {unit}" for values in times.values()]
        base = next(iter(times))
        compared = ["1" if name == base else spread(ratios(times, name, base)) for name in times]
        lines += [*table(heads, [["median", *cells], ["over Inkling's", *compared]]), ""]
    return lines[:-1]


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "|".join(" --- " for _ in heads) + "|",
        *("| " + " | ".join(cells) + " |" for cells in rows),
    ]


def warn_of_losses(key: str, result: dict[str, Any]) -> None:
    """Say so if peers did not do the same work: their losses after the first epoch must agree."""
    losses = result["loss_after_first"]
    # Dropout draws other neurons in every library; between seeds of one and the same the loss differs by 10 %.
    tolerance = 0.15 if "dropout" in result["workload"] else 0.03
    for name, value in losses.items():
        # Losses near 0, as on few digits repeated often, differ by more than they are.
        if abs(value - losses["compiled"]) > max(tolerance * losses["compiled"], 0.003):
            print(f"  {key}: loss of {name} is {value:.4f}, Inkling's {losses['compiled']:.4f}: not the same work?")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and peers; writes no files")
    parser.add_argument("--only", default="ABCDEFGHIJ", help="which workloads, for example ACE")
    parser.add_argument("--rounds", type=int, default=0, help="rounds after the warm-up (default 5, quick 3)")
    parser.add_argument("--peers", default="", help="comma-separated names, to measure against these alone")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    names = QUICK if arguments.quick else tuple(PEERS)
    if arguments.peers:
        names = (*OWN, "floor", *arguments.peers.split(","))
    results: dict[str, Any] = {"machine": machine()}
    for key in arguments.only:
        began = perf_counter()
        if key in WORKLOADS:
            results[key] = train_rounds(WORKLOADS[key], names, rounds)
            warn_of_losses(key, results[key])
            print(" | ".join(row(key, results[key])), f"[{perf_counter() - began:.0f} s]", flush=True)
        else:
            results[key] = predict_rounds(names, rounds) if key == "G" else cold_rounds(rounds)
            print("\n".join(other_table(key, results[key])), flush=True)
        for name, why in results[key]["missing"].items():
            print(f"  {key}: {name} was not measured: {why}", flush=True)
    if not arguments.quick and not arguments.peers and len(arguments.only) == 10:
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        (HERE / "results.md").write_text(markdown(results))
        print(f"written: {HERE / 'results.md'}")


if __name__ == "__main__":
    main()
