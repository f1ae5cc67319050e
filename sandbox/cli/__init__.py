"""The command line: start a city, walk through it, and do each person's part of the work.
`cihu --help` teaches it."""

import io
import os
import sys
from typing import NoReturn

from rich.markup import escape

# each adds its commands, in this order
from sandbox.cli import city, status, datasets, openings, drafts, pulls, pushes  # noqa: F401  # isort: skip
from sandbox.cli import derivations, contracts, quality, lifecycle, responsibilities  # noqa: F401  # isort: skip
from sandbox.cli import companies, access_requests, courier, notices, risks, operations  # noqa: F401  # isort: skip
from sandbox.cli import watermarks, course  # noqa: F401  # isort: skip
from sandbox.cli import questions, runs, check, reviews, payments, competitions, audit, licensed_files, people  # noqa: F401  # isort: skip
from sandbox.cli import discussion, models, witness, decisions, taken_on  # noqa: F401  # isort: skip
from sandbox.cli.terminal import app, err
from sandbox.errors import CihuError

__all__ = ["main"]


def main() -> None:
    """The entry point: every refusal is a line or two that say what is wrong and what to do about it."""
    write_what_can_be_written()
    try:
        app()
    except CihuError as error:
        refused(error)
    except BrokenPipeError:  # who read our output has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        sys.exit(1)
    except OSError as error:
        from sandbox.standalone.system_errors import of_the_system

        refused(of_the_system(error))


def refused(error: CihuError) -> NoReturn:
    err.print(f"[red]{escape(error.message)}[/red]", highlight=False, soft_wrap=True)
    if error.remedy:
        err.print(escape(error.remedy), highlight=False, soft_wrap=True)
    sys.exit(1)


def write_what_can_be_written() -> None:
    """A terminal that cannot show a letter (LANG=C, a pipe in ASCII) gets its number instead;
    nothing fails for that."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
