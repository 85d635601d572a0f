"""The compiled engine: loops that Numba turns into machine code, and threads that share every batch.

Read table.py and machine.py first: how a batch goes through a network. Then program.py, which writes a network down for
the machine, and plan.py, which trains with it. operations.py and its four like-named neighbours find each layer its
numbers, and the kernels compute: dense.py, elementwise.py, convolution.py, ink_convolution.py, images.py, losses.py,
optimizers.py, with lanes.py and low_level.py below them.

Raises ImportError where there is no Numba, or its code cannot be kept on disk.
"""

from inkling.engine.code_cache import keeping_code

with keeping_code():
    from inkling.engine.compiled import machine, program  # noqa: F401
