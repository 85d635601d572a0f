"""The command line: one file a command, each a thin coat over what can be done in Python as well.

Commands import what they need when they are called, so that `inkling --help` answers at once.
"""

from inkling.cli.app import main

__all__ = ["main"]
