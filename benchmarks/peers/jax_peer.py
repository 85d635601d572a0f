"""JAX with a whole epoch compiled into one program: gather, gradients and updates of all batches in a scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from worker import serve
from workloads import Prepared


class Jax:
    def __init__(self, prepared: Prepared) -> None:
        work = self.work = prepared.workload
        self.x, self.y = jnp.asarray(prepared.floats()), jnp.asarray(prepared.labels)
        self.orders = prepared.orders
        self.convolutional = bool(prepared.kernels)
        self.x = self.x.reshape(-1, 28, 28, 1) if prepared.kernels else self.x
        self.parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in prepared.kernels]
        self.parameters += [
            (jnp.asarray(w), jnp.asarray(b)) for w, b in zip(prepared.weights, prepared.biases, strict=True)
        ]
        m, v = (jax.tree.map(jnp.zeros_like, self.parameters) for _ in range(2))
        self.memory = (m, v, jnp.zeros(())) if work.optimizer == "adam" else ()
        self.key = jax.random.key(0)
        self.run = jax.jit(self.compiled_epoch, donate_argnums=(0, 1))
        self.run_step = jax.jit(self.step, donate_argnums=(0,))
        self.probabilities = jax.jit(lambda p, x: jax.nn.softmax(logits(p, x, 0.0, None)))

    def step(self, carry: tuple[Any, ...], rows: jax.Array | None) -> tuple[tuple[Any, ...], jax.Array]:
        """One batch."""
        work = self.work
        parameters, memory, key = carry
        key, drop = jax.random.split(key)
        x, y = (self.x, self.y) if rows is None else (self.x[rows], self.y[rows])

        def loss_of(p: Any) -> jax.Array:
            z = logits(p, x, work.dropout, drop)
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))

        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        if work.l2:
            gradients = [(dw + work.l2 * w, db) for (dw, db), (w, _) in zip(gradients, parameters, strict=True)]
        if work.optimizer == "sgd":
            parameters = jax.tree.map(lambda p, g: p - work.learning_rate * g, parameters, gradients)
            return (parameters, memory, key), loss
        m, v, t = memory
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        rate, root = work.learning_rate / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + 1e-8), parameters, m, v)
        return (parameters, (m, v, t), key), loss

    def compiled_epoch(self, parameters: Any, memory: Any, key: Any, order: jax.Array) -> Any:
        size = self.work.batch
        carry = (parameters, memory, key)
        if size >= self.work.samples:
            carry, loss = self.step(carry, None)
            return carry, loss
        whole = len(order) // size
        carry, losses = jax.lax.scan(self.step, carry, order[: whole * size].reshape(whole, size))
        total = jnp.sum(losses) * size
        if rest := len(order) - whole * size:
            carry, loss = self.step(carry, order[-rest:])
            total += loss * rest
        return carry, total / len(order)

    def epochs(self, first: int, count: int) -> float:
        return [self.epoch(first + k) for k in range(count)][-1]

    def epoch(self, number: int) -> float:
        order = jnp.asarray(self.orders[number % len(self.orders)])
        if self.convolutional:
            return self.step_by_step(order)
        (self.parameters, self.memory, self.key), loss = self.run(self.parameters, self.memory, self.key, order)
        return float(loss)

    def step_by_step(self, order: jax.Array) -> float:
        """An epoch of compiled steps. Within a scan, XLA's convolutions on a CPU are ten times slower than alone."""
        carry, size, losses = (self.parameters, self.memory, self.key), self.work.batch, []
        for start in range(0, len(order), size):
            carry, loss = self.run_step(carry, order[start : start + size])
            losses.append(loss)
        self.parameters, self.memory, self.key = carry
        return float(jnp.mean(jnp.stack(losses)))

    def loss(self) -> float:
        p = self.probabilities(self.parameters, self.x[:10_000])
        return float(-jnp.mean(jnp.log(jnp.take_along_axis(p, self.y[:10_000, None], axis=1))))

    def predictor(self, count: int) -> Callable[[], Any]:
        x = self.x[:count]
        return lambda: self.probabilities(self.parameters, x).block_until_ready()


def logits(parameters: Any, x: jax.Array, dropout: float, key: Any) -> jax.Array:
    """The network."""
    for k, (w, b) in enumerate(parameters):
        if w.ndim == 4:
            x = jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b
            x = jax.nn.relu(jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"))
            continue
        x = x.reshape(len(x), -1) @ w + b
        if k < len(parameters) - 1:
            x = jax.nn.relu(x)
            if dropout:
                key, drop = jax.random.split(key)
                x = jnp.where(jax.random.bernoulli(drop, 1 - dropout, x.shape), x / (1 - dropout), 0.0)
    return x


serve(Jax)
