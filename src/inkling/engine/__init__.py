"""Engines: they compute what `inkling.nn` says, as fast as the machine allows.

`nn` is the mathematics, one batch at a time in plain NumPy. An engine takes the same steps and gets the same numbers,
whatever its means and however many cores it uses:

- `reference`: `nn` itself.
- `numpy`: NumPy as `nn`, in blocks, in place, and with a faster convolution. Works wherever Inkling does.
- `compiled`: loops that Numba compiles, on all cores. Wants the extra `inkling-nn[fast]`.

`choose` picks one by name; "auto" takes the fastest that can do the network. Whoever trains makes a plan (protocol.py)
with it and need not know which engine it is. Predictions are in predictor.py.
"""

from inkling.engine.choice import ENGINES, available_threads, choose, work_of
from inkling.engine.predictor import Predictor, outputs, predict_proba
from inkling.engine.protocol import Augment, EngineError, Plan, Samples

__all__ = [
    "ENGINES",
    "Augment",
    "EngineError",
    "Plan",
    "Predictor",
    "Samples",
    "available_threads",
    "choose",
    "outputs",
    "predict_proba",
    "work_of",
]
