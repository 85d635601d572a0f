"""PyTorch, as a careful user writes it: data in memory, batches gathered by index, no DataLoader.

Second argument: eager, fused (one kernel for the whole optimizer), compiled (forward, loss and backward by
torch.compile, and the fused optimizer), or channels_last (fused, and images with the channels last in memory).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from worker import serve
from workloads import Prepared

WAY = sys.argv[2]


class Torch:
    def __init__(self, prepared: Prepared) -> None:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        work = prepared.workload
        layers: list[torch.nn.Module] = []
        for w, _ in prepared.kernels:
            layers += [torch.nn.Conv2d(w.shape[2], w.shape[3], 5), torch.nn.MaxPool2d(2), torch.nn.ReLU()]
        if layers:
            layers.append(torch.nn.Flatten())
        for k, (inputs, units) in enumerate(zip(work.sizes[:-1], work.sizes[1:], strict=True)):
            layers.append(torch.nn.Linear(inputs, units))
            if k < len(work.hidden):
                layers.append(torch.nn.ReLU())
                if work.dropout:
                    layers.append(torch.nn.Dropout(work.dropout))
        self.model = torch.nn.Sequential(*layers)
        linear = [layer for layer in self.model if isinstance(layer, torch.nn.Linear)]
        convolutions = [layer for layer in self.model if isinstance(layer, torch.nn.Conv2d)]
        weights = list(prepared.weights)
        if convolutions:  # which are flattened with the channels first here
            side = round((weights[0].shape[0] / work.convolutions[-1]) ** 0.5)
            placed = weights[0].reshape(side, side, -1, weights[0].shape[1])
            weights[0] = np.ascontiguousarray(placed.transpose(2, 0, 1, 3)).reshape(weights[0].shape)
        with torch.no_grad():
            for layer, (w, b) in zip(convolutions, prepared.kernels, strict=True):
                layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(w.transpose(3, 2, 0, 1))))
                layer.bias.copy_(torch.from_numpy(b))
            for layer, w, b in zip(linear, weights, prepared.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(w).T)
                layer.bias.copy_(torch.from_numpy(b))
        groups = [
            {"params": [layer.weight for layer in convolutions + linear], "weight_decay": work.l2},
            {"params": [layer.bias for layer in convolutions + linear], "weight_decay": 0.0},
        ]
        kind = torch.optim.SGD if work.optimizer == "sgd" else torch.optim.Adam
        self.optimizer = kind(groups, lr=work.learning_rate, fused=WAY != "eager")
        self.x = torch.from_numpy(prepared.floats())
        if convolutions:
            self.x = self.x.reshape(-1, 1, 28, 28)
        if WAY == "channels_last":
            self.model = self.model.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.y = torch.from_numpy(prepared.labels)
        self.orders = torch.from_numpy(prepared.orders).long()
        self.full = work.batch >= work.samples
        self.batch = work.batch
        self.criterion = torch.nn.functional.cross_entropy

        def forward_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.criterion(self.model(x), y)

        self.forward_loss = torch.compile(forward_loss) if WAY == "compiled" else forward_loss

    def epochs(self, first: int, count: int) -> float:
        return [self.epoch(first + k) for k in range(count)][-1]

    def epoch(self, number: int) -> float:
        self.model.train()
        order = self.orders[number % len(self.orders)]
        total = torch.zeros(())
        for start in range(0, len(self.x), self.batch):
            if self.full:
                x, y = self.x, self.y
            else:
                rows = order[start : start + self.batch]
                x, y = self.x[rows], self.y[rows]
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.forward_loss(x, y)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(x)
        return float(total) / len(self.x)

    @torch.inference_mode()
    def loss(self) -> float:
        self.model.eval()
        return float(self.criterion(self.model(self.x[:10_000]), self.y[:10_000]))

    def predictor(self, count: int) -> Callable[[], Any]:
        self.model.eval()
        x = self.x[:count].clone()

        @torch.inference_mode()
        def predict() -> torch.Tensor:
            return torch.softmax(self.model(x), dim=1)

        return predict


serve(Torch)
