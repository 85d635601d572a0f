"""Side by side with PyTorch in float64: the same losses, gradients and steps, to the last few bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from inkling import nn

torch = pytest.importorskip("torch", reason="PyTorch is the other side of the comparison: pip install .[parity]")

INPUTS, HIDDEN, CLASSES = 12, 9, 5
PEERS: dict[str, Callable[[], Any]] = {
    "relu": torch.nn.ReLU,
    "leaky_relu": lambda: torch.nn.LeakyReLU(0.01),
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "identity": torch.nn.Identity,
    "softmax": lambda: torch.nn.Softmax(dim=1),
}
LOSSES = [nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy]


def pair(activation: str = "tanh", loss: nn.Loss | None = None, l2: float = 0.0) -> tuple[nn.Network, Any]:
    """The same network twice, with the same parameters."""
    last, peer_last = [], []
    if isinstance(loss, nn.MeanSquaredError):
        last, peer_last = [nn.Sigmoid()], [torch.nn.Sigmoid()]
    layers = [nn.Dense(HIDDEN), nn.ACTIVATIONS[activation](), nn.Dense(CLASSES), *last]
    network = nn.Network(layers, input_shape=INPUTS, loss=loss, dtype=np.float64, seed=8, l2=l2)
    network.parameters += np.random.default_rng(9).normal(0, 0.1, network.parameters.shape)
    peer = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, HIDDEN), PEERS[activation](), torch.nn.Linear(HIDDEN, CLASSES), *peer_last
    ).double()  # fmt: skip
    with torch.no_grad():
        for ours, theirs in zip((network.layers[0], network.layers[2]), (peer[0], peer[2]), strict=True):
            theirs.weight.copy_(torch.from_numpy(ours.W.T))
            theirs.bias.copy_(torch.from_numpy(ours.b))
    return network, peer


def objective(loss: nn.Loss, outputs: Any, labels: Any) -> Any:
    """What PyTorch calls the same objective."""
    functional = torch.nn.functional
    if isinstance(loss, nn.SoftmaxCrossEntropy):
        return functional.cross_entropy(outputs, labels, reduction=loss.reduction, label_smoothing=loss.label_smoothing)
    targets = functional.one_hot(labels, CLASSES).double()
    targets = targets * (1 - loss.label_smoothing) + loss.label_smoothing / CLASSES
    if isinstance(loss, nn.MeanSquaredError):
        total = 0.5 * functional.mse_loss(outputs, targets, reduction="sum")
    else:
        total = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum")
    return total / len(labels) if loss.reduction == "mean" else total


def flat(peer: Any, what: Callable[[Any], Any]) -> np.ndarray:
    """PyTorch's parameters (or gradients) in the order of ours: weights first, then biases."""
    linear = (peer[0], peer[2])
    rows = [what(layer.weight).detach().numpy().T.ravel() for layer in linear]
    return np.concatenate(rows + [what(layer.bias).detach().numpy() for layer in linear])


def batches(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(10)
    return [(random.normal(size=(n, INPUTS)), random.integers(0, CLASSES, n)) for n in [6, 6, 3, 1, 6] * (count // 5)]


@pytest.mark.parametrize("activation", PEERS)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_outputs_losses_and_gradients(activation, kind, reduction, smoothing) -> None:
    loss = kind(reduction, smoothing)
    network, peer = pair(activation, loss)
    for x, labels in batches(5):
        pixels, targets = torch.from_numpy(x).requires_grad_(), torch.from_numpy(labels)
        outputs = peer(pixels)
        value = objective(loss, outputs, targets)
        peer.zero_grad()
        value.backward()
        np.testing.assert_allclose(network.forward(x), outputs.detach().numpy(), rtol=1e-12, atol=1e-14)
        assert network.objective(x, labels) == pytest.approx(value.item(), rel=1e-12)
        network.compute_gradients(x, labels)
        np.testing.assert_allclose(network.gradients, flat(peer, lambda p: p.grad), rtol=1e-10, atol=1e-13)
        summed = pixels.grad.numpy() * (len(x) if reduction == "mean" else 1)
        np.testing.assert_allclose(network.input_gradient(x, labels), summed, rtol=1e-10, atol=1e-13)


OPTIMIZERS: list[tuple[nn.Optimizer, Callable[[Any], Any]]] = [
    (nn.SGD(0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    (nn.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    (nn.SGD(0.1, momentum=0.9, nesterov=True), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
    (nn.RMSprop(0.01, rho=0.95), lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95)),
    (nn.RMSprop(0.01, epsilon=1e-3), lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3)),
    (nn.Adam(0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    (nn.Adam(0.01, 0.8, 0.95, 1e-3), lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3)),
]
every_optimizer = pytest.mark.parametrize(
    ("optimizer", "peer_of"), OPTIMIZERS, ids=lambda value: repr(value) if isinstance(value, nn.Part) else ""
)


def both_take_steps(
    network: nn.Network, peer: Any, optimizer: nn.Optimizer, peer_optimizer: Any, *, clip_norm: float | None = None
) -> None:
    """Ten batches of several sizes, compared after each."""
    optimizer.reset(network.parameters)
    for x, labels in batches(10):
        network.compute_gradients(x, labels)
        rate = optimizer.rate_at(0, 1)
        optimizer.step(network.parameters, network.gradients, rate, network.weight_count)
        peer_optimizer.zero_grad()
        objective(network.loss, peer(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(peer.parameters(), clip_norm)
        peer_optimizer.step()
        # Clipping, PyTorch divides by the length plus 1e-6.
        rtol = 1e-9 if clip_norm is None else 1e-4
        np.testing.assert_allclose(network.parameters, flat(peer, lambda p: p), rtol=rtol, atol=rtol / 100)


def weights_and_biases(peer: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups of parameters for PyTorch, of which only the weights decay."""
    named = list(peer.named_parameters())
    return [
        {"params": [p for name, p in named if name.endswith("weight")], "weight_decay": weight_decay},
        {"params": [p for name, p in named if name.endswith("bias")], "weight_decay": 0.0},
    ]


@every_optimizer
def test_steps(optimizer, peer_of) -> None:
    network, peer = pair()
    both_take_steps(network, peer, optimizer, peer_of(peer.parameters()))


@every_optimizer
def test_steps_with_l2_on_the_weights(optimizer, peer_of) -> None:
    """PyTorch calls it weight_decay and adds it to the gradient too (all but AdamW)."""
    network, peer = pair(l2=0.1)
    both_take_steps(network, peer, optimizer, peer_of(weights_and_biases(peer, 0.1)))


@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.5])
def test_steps_of_adamw_which_decays_weights_only(weight_decay) -> None:
    network, peer = pair()
    peer_optimizer = torch.optim.AdamW(weights_and_biases(peer, weight_decay), lr=0.01)
    both_take_steps(network, peer, nn.AdamW(0.01, weight_decay=weight_decay), peer_optimizer)


@pytest.mark.parametrize("clip_norm", [0.05, 0.5, 100.0])
def test_steps_with_clipped_gradients(clip_norm) -> None:
    network, peer = pair(loss=nn.SoftmaxCrossEntropy("sum"))
    optimizer = nn.SGD(0.1, momentum=0.9, clip_norm=clip_norm)
    peer_optimizer = torch.optim.SGD(peer.parameters(), lr=0.1, momentum=0.9)
    both_take_steps(network, peer, optimizer, peer_optimizer, clip_norm=clip_norm)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 100, 1e4])
def test_cross_entropy_of_huge_scores(dtype, size) -> None:
    random = np.random.default_rng(11)
    z, labels = (random.normal(size=(8, CLASSES)) * size).astype(dtype), random.integers(0, CLASSES, 8)
    wanted = torch.nn.functional.cross_entropy(torch.from_numpy(z), torch.from_numpy(labels)).item()
    found = nn.SoftmaxCrossEntropy().forward(z, labels)
    assert found == pytest.approx(wanted, rel=1e-6 if dtype is np.float32 else 1e-14)


@pytest.mark.parametrize(("steps", "first"), [(11, 3), (101, 30), (50, 25)])
def test_one_cycle(steps, first) -> None:
    """PyTorch counts steps 0 … T − 1, so its whole time is T − 1 steps, and its peak lies at pct_start·T − 1;
    its final_div_factor divides the first rate, where ours divides the highest.
    """
    ours = nn.OneCycle(0.4, peak=first / (steps - 1), divide=20, final_divide=5000)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.4, total_steps=steps, pct_start=(first + 1) / steps, div_factor=20, final_div_factor=5000 / 20
    )  # fmt: skip
    for step in range(steps):
        assert ours(step, steps - 1) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        if step < steps - 1:
            theirs.step()


@pytest.mark.parametrize("final", [0.0, 0.02])
def test_cosine(final) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=final)
    for epoch in range(21):
        assert nn.Cosine(0.3, final)(epoch, 20) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-15)
        optimizer.step()
        theirs.step()


def test_step_schedule() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.2)
    for epoch in range(12):
        assert nn.Step(0.3, every=3, factor=0.2)(epoch, 12) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        theirs.step()
