"""PyTorch, as a careful user writes it: data in memory, batches gathered by index, no DataLoader.

Second argument: eager, fused (one kernel for the whole optimizer) or compiled (forward, loss and backward by
torch.compile, and the fused optimizer).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from worker import serve
from workloads import Prepared

WAY = sys.argv[2]


class Torch:
    def __init__(self, prepared: Prepared) -> None:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        work = prepared.workload
        layers: list[torch.nn.Module] = []
        for k, (inputs, units) in enumerate(zip(work.sizes[:-1], work.sizes[1:], strict=True)):
            layers.append(torch.nn.Linear(inputs, units))
            if k < len(work.hidden):
                layers.append(torch.nn.ReLU())
                if work.dropout:
                    layers.append(torch.nn.Dropout(work.dropout))
        self.model = torch.nn.Sequential(*layers)
        linear = [layer for layer in self.model if isinstance(layer, torch.nn.Linear)]
        with torch.no_grad():
            for layer, w, b in zip(linear, prepared.weights, prepared.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(w).T)
                layer.bias.copy_(torch.from_numpy(b))
        groups = [
            {"params": [layer.weight for layer in linear], "weight_decay": work.l2},
            {"params": [layer.bias for layer in linear], "weight_decay": 0.0},
        ]
        kind = torch.optim.SGD if work.optimizer == "sgd" else torch.optim.Adam
        self.optimizer = kind(groups, lr=work.learning_rate, fused=WAY != "eager")
        self.x = torch.from_numpy(prepared.floats())
        self.y = torch.from_numpy(prepared.labels)
        self.orders = torch.from_numpy(prepared.orders).long()
        self.full = work.batch >= work.samples
        self.batch = work.batch
        self.criterion = torch.nn.functional.cross_entropy

        def forward_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return self.criterion(self.model(x), y)

        self.forward_loss = torch.compile(forward_loss) if WAY == "compiled" else forward_loss

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
