"""scikit-learn's MLPClassifier. It has no dropout, so workload D is not for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from worker import serve
from workloads import Prepared


class SciKit:
    def __init__(self, prepared: Prepared) -> None:
        work = self.work = prepared.workload
        if work.dropout:
            sys.exit("MLPClassifier has no dropout")
        self.prepared = prepared
        self.x, self.y = prepared.floats(), prepared.labels
        self.model = MLPClassifier(
            work.hidden,
            solver=work.optimizer,
            alpha=work.l2,
            batch_size=min(work.batch, work.samples),
            learning_rate_init=work.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        # A first call on a few samples makes the arrays; then the first weights are the others' first weights.
        self.model.set_params(batch_size=20).partial_fit(self.x[:20], self.y[:20], classes=np.arange(10))
        self.model.set_params(batch_size=min(work.batch, work.samples))
        self.model.coefs_ = [w.copy() for w in prepared.weights]
        self.model.intercepts_ = [b.copy() for b in prepared.biases]
        del self.model._optimizer
        self.ready: tuple[int, Any, Any] | None = None

    def epochs(self, first: int, count: int) -> float:
        return [self.epoch(first + k) for k in range(count)][-1]

    def epoch(self, number: int) -> float:
        order = self.prepared.orders[number % len(self.prepared.orders)]
        self.model.partial_fit(self.x[order], self.y[order])
        return float(self.model.loss_)

    def loss(self) -> float:
        return float(log_loss(self.y[:10_000], self.model.predict_proba(self.x[:10_000]), labels=np.arange(10)))

    def predictor(self, count: int) -> Callable[[], Any]:
        x = self.x[:count]
        return lambda: self.model.predict_proba(x)


serve(SciKit)
