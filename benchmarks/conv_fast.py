"""99 % in seconds: the recipe `conv-fast` here and in PyTorch, five seeds in turn (`make bench-conv-fast`).

Both train the same network on the same 55,000 images from MNIST, in batches of 64, with Adam, one cycle of the learning
rate and smoothed labels, on all cores, each in a process of its own. PyTorch has its fused optimizer and the channels
last in memory, its fastest way on a CPU. What is timed is the training, without loading, validation and start-up.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

SIDES = ("Inkling", "PyTorch")


def inkling(seed: int) -> dict[str, float]:
    """As `inkling train conv-fast` does it."""
    from inkling import Trainer, evaluate, load_data, load_recipe
    from inkling.recipes.build import build_network, build_optimizer, build_plan

    recipe = load_recipe("conv-fast", {"training.seed": seed})
    digits = load_data("mnist", plan=build_plan(recipe.data, seed))
    assert digits.validation is not None
    assert digits.test is not None
    network = build_network(recipe)
    trainer = Trainer(network, build_optimizer(recipe), seed=seed)
    settings = recipe.training
    began = perf_counter()
    trainer.fit(digits.train, epochs=settings.epochs, batch_size=settings.batch_size)
    seconds = perf_counter() - began
    return {
        "seconds": seconds,
        "validation": evaluate(network, digits.validation).accuracy,
        "test": evaluate(network, digits.test).accuracy,
    }


def pytorch(seed: int) -> dict[str, float]:
    """The same network, schedule and loss; the first weights are Inkling's, so that only the arithmetic differs."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    from inkling import load_data, load_recipe
    from inkling.nn import random_stream
    from inkling.recipes.build import build_network, build_plan, build_schedule

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    recipe = load_recipe("conv-fast", {"training.seed": seed})
    digits = load_data("mnist", plan=build_plan(recipe.data, seed))
    ours = dict(build_network(recipe).named_parameters())
    modules: list[nn.Module] = []
    inputs, side = 1, 28
    for layer in recipe.network.convolutions:
        modules += [nn.Conv2d(inputs, layer.channels, layer.kernel), nn.MaxPool2d(layer.pool), nn.ReLU()]
        inputs, side = layer.channels, (side - layer.kernel + 1) // layer.pool
    modules.append(nn.Flatten())
    sizes = [inputs * side * side, *recipe.network.hidden, 10]
    for before, after in pairwise(sizes):
        modules += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for k, module in enumerate((m for m in model if isinstance(m, nn.Conv2d)), 1):
            module.weight.copy_(torch.from_numpy(ours[f"conv2d_{k}.W"].transpose(3, 2, 0, 1).copy()))
            module.bias.zero_()
        for k, module in enumerate((m for m in model if isinstance(m, nn.Linear)), 1):
            w = ours[f"dense_{k}.W"]
            if k == 1:  # which is flattened with the channels first here
                w = w.reshape(side, side, inputs, -1).transpose(2, 0, 1, 3).reshape(w.shape)
            module.weight.copy_(torch.from_numpy(w.T.copy()))
            module.bias.zero_()
    model = model.to(memory_format=torch.channels_last)

    def floats(images: Any) -> torch.Tensor:
        x = torch.from_numpy(images.astype(np.float32) / np.float32(255)).reshape(-1, 1, 28, 28)
        return x.contiguous(memory_format=torch.channels_last)

    x, y = floats(digits.train.images), torch.from_numpy(np.asarray(digits.train.labels, np.int64))
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.optimizer.learning_rate, fused=True)
    schedule = build_schedule(recipe.schedule, recipe.optimizer.learning_rate)
    epochs, size = recipe.training.epochs, recipe.training.batch_size
    assert isinstance(size, int)
    steps = -(-len(x) // size)
    order, step = random_stream(seed, "shuffle"), 0
    began = perf_counter()
    for _ in range(epochs):
        rows = torch.from_numpy(order.permutation(len(x)))
        for start in range(0, len(x), size):
            chosen = rows[start : start + size]
            if not isinstance(schedule, float):
                optimizer.param_groups[0]["lr"] = schedule(step / steps, epochs)
            optimizer.zero_grad(set_to_none=True)
            loss = cross_entropy(model(x[chosen]), y[chosen], label_smoothing=recipe.loss.label_smoothing)
            loss.backward()
            optimizer.step()
            step += 1
    seconds = perf_counter() - began

    @torch.inference_mode()
    def accuracy(split: Any) -> float:
        model.eval()
        blocks = (slice(at, at + 1000) for at in range(0, len(split.labels), 1000))
        right = [model(floats(split.images[b])).argmax(1).numpy() == split.labels[b] for b in blocks]
        return float(np.concatenate(right).mean())

    return {"seconds": seconds, "validation": accuracy(digits.validation), "test": accuracy(digits.test)}


def main() -> None:
    """Take turns, and print a table."""
    if len(sys.argv) > 2:
        print(json.dumps({"Inkling": inkling, "PyTorch": pytorch}[sys.argv[1]](int(sys.argv[2]))))
        return
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    threads = str(len(os.sched_getaffinity(0)))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    environment |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    for seed in seeds:
        for side in SIDES:
            run = subprocess.run(
                [sys.executable, __file__, side, str(seed)], env=environment, check=True, capture_output=True, text=True
            )
            found[side].append(json.loads(run.stdout.splitlines()[-1]))
            answer = found[side][-1]
            shares = ", ".join(f"{split} {answer[split]:.2%}" for split in ("validation", "test"))
            print(f"seed {seed}  {side:8} {answer['seconds']:6.2f} s  {shares}", flush=True)
    print("\n| | seconds (median) | validation | test |\n| --- | --- | --- | --- |")
    for side in SIDES:
        cells = [f"{statistics.median(answer['seconds'] for answer in found[side]):.2f}"]
        for split in ("validation", "test"):
            every = [100 * answer[split] for answer in found[side]]
            cells.append(f"{statistics.mean(every):.2f} ± {statistics.stdev(every) if len(every) > 1 else 0:.2f} %")
        print(f"| {side} | " + " | ".join(cells) + " |")
    ratios = [other["seconds"] / own["seconds"] for own, other in zip(*(found[side] for side in SIDES), strict=True)]
    print(f"\nPyTorch's time over Inkling's: {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})")


if __name__ == "__main__":
    main()
