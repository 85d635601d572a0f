"""The one kind of error that a user can put right.

Whatever room finds bad input raises `InklingError` (or a subclass) with a message that says, in one line,
what is wrong, where, and what would work. The command line prints that line and exits with status 2;
in Python it is an ordinary `ValueError`. Any other exception is a defect of Inkling itself.
(`inkling.nn` imports nothing but NumPy, so it raises its own `ValueError`s, `inkling.nn.ShapeError` among them.)
"""


class InklingError(ValueError):
    """Bad input: a file, a name or a setting that Inkling cannot use. The message is one clear line."""


class DataError(InklingError):
    """Images or labels that are missing, damaged, or not digits."""


class ModelFileError(InklingError):
    """A file that is not a network Inkling saved, or is damaged."""


class RecipeError(InklingError):
    """A recipe that does not exist, or a value in it that does not fit."""
