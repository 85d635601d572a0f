"""Inkling: a neural network that reads handwritten digits, from first principles."""
__version__ = "0.1.0"
