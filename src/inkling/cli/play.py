"""`inkling play`: the playground in the browser, until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from inkling.cli import options
from inkling.cli.terminal import Loading, plain, report, results


def play(
    host: Annotated[
        str, typer.Option(help="The address to listen at. Others than this machine reach it at 0.0.0.0 only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 for any that is free.", min=0, max=65535)] = 8777,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    data: options.Data = None,
    sessions: Annotated[int, typer.Option(help="How many pages may be open at a time.", min=1, max=1000)] = 24,
) -> None:
    """Watch a network learn in the browser: train it, draw digits, open any neuron.

    Everything runs on this machine, and nobody else can reach it unless
    [bold]--host[/bold] says so. Ctrl-C ends it.

    Example:
      inkling play

    """
    from inkling.data import load_data
    from inkling.playground.launch import listen, serve

    listening = listen(host, port)  # before data is loaded, perhaps downloaded, in vain
    try:
        with Loading() as progress:
            digits = load_data("auto" if data is None else data, progress=progress, report=report)
        news = results()

        def ready(address: str) -> None:
            news.print(f"[bold]data[/]        {plain(digits.note)}", highlight=False, soft_wrap=True)
            news.print(f"[bold]playground[/]  {plain(address)}  (Ctrl-C ends it)", highlight=False, soft_wrap=True)

        serve(listening, digits, host=host, sessions=sessions, ready=ready, browser=not no_browser)
    finally:
        listening.close()
