"""The NumPy engine: what `nn` computes, in blocks and in place, with NumPy alone.

Read plan.py first; the other files are what pays: layers that compute into buffers (layers.py, pooling.py,
normalization.py), a convolution with fewer multiplications (convolution.py), a loss and its gradient at once
(losses.py), and optimizers that move the parameters in place (optimizers.py).
"""

from inkling.engine.buffered.plan import BufferedPlan, outputs

__all__ = ["BufferedPlan", "outputs"]
