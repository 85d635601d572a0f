"""Inkling itself, through the same Trainer that a user calls, with the engine that is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from worker import serve
from workloads import Prepared, build

from inkling import Trainer, nn
from inkling.engine import Predictor


class Inkling:
    def __init__(self, prepared: Prepared) -> None:
        work = prepared.workload
        self.prepared = prepared
        self.network = build(work)
        optimizer = nn.SGD(work.learning_rate) if work.optimizer == "sgd" else nn.Adam(work.learning_rate)
        self.trainer = Trainer(self.network, optimizer, engine=sys.argv[2])
        self.size = None if work.batch >= work.samples else work.batch
        self.floats = prepared.floats()[:10_000]

    def epochs(self, first: int, count: int) -> float:
        data = self.prepared.images, self.prepared.labels
        history = self.trainer.fit(data, epochs=count, batch_size=self.size)
        return history.last.train_loss

    def loss(self) -> float:
        return self.network.score(self.floats, self.prepared.labels[:10_000])[0]

    def predictor(self, count: int) -> Callable[[], Any]:
        images, predictor = np.ascontiguousarray(self.floats[:count]), Predictor(self.network)
        return lambda: predictor.predict_proba(images)


serve(Inkling)
