"""`python -m inkling` is the `inkling` command."""

from inkling.cli import main

main()
