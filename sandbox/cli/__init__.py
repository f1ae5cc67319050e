"""The command line: start a city, walk through it, and do each person's part of the work. `cihu --help` teaches it."""

import sys

from rich.markup import escape

from sandbox.cli import city, datasets, questions, runs, reviews, audit  # noqa: F401  # isort: skip  # each adds its commands, in this order
from sandbox.cli.terminal import app, err
from sandbox.errors import CihuError

__all__ = ["main"]


def main() -> None:
    """The entry point: every refusal is a line or two that say what is wrong and how to mend it."""
    try:
        app()
    except CihuError as error:
        err.print(f"[red]{escape(error.message)}[/red]", highlight=False, soft_wrap=True)
        if error.mend:
            err.print(escape(error.mend), highlight=False, soft_wrap=True)
        sys.exit(1)
