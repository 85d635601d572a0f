"""How much of what a network reads it still reads when digits arrive turned, noisy, too thin: a row of accuracies.

`inkling.data.corruptions` says what is done to the images, and `evaluation` measures.
"""

from __future__ import annotations

from collections.abc import Callable

from inkling.data import CORRUPTIONS, Split, corrupt
from inkling.nn import Network
from inkling.training.ensemble import Ensemble
from inkling.training.evaluation import evaluate


def corrupted_accuracies(
    network: Network | Ensemble,
    split: Split,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """The fraction of images (0 … 1) read rightly, by "clean" and by the name of each corruption, in this order.

    split: uint8 images (n, 28, 28) and their labels. The same seed corrupts them in the same way, so that networks can
    be compared image by image. `progress(done, of)` counts images, nine times as many as there are.
    Raises InklingError if the split is empty or does not fit the network.
    """
    of = (1 + len(CORRUPTIONS)) * len(split)
    accuracies: dict[str, float] = {}
    for name in ("clean", *CORRUPTIONS):
        before = len(accuracies) * len(split)
        images = split.images if name == "clean" else corrupt(split.images, name, seed=seed)

        def count(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, of)

        accuracies[name] = evaluate(network, (images, split.labels), progress=count).accuracy
    return accuracies
