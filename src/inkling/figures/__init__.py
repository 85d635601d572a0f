"""Pictures of the network and what it does, one function and one file each. Every function returns a figure."""

from inkling.figures.predictions import predictions

__all__ = ["predictions"]
