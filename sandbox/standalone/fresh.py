"""Starts a city for a short while: in a temporary folder, on free ports, removed at the end."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.standalone.settings import ANY_PORTS, read_settings
from sandbox.standalone.supervisor import City


@contextmanager
def fresh_city(*, report: Callable[[str], None] = lambda _: None) -> Iterator[Path]:
    """Start a city that nobody has used; gives its home. Raises `CihuError` when it cannot start."""
    # sockets need short paths, so not below a deep TMPDIR
    home = Path(tempfile.mkdtemp(prefix="cihu-", dir="/tmp"))  # mkdtemp makes it ours alone
    chosen = read_settings()
    settings = replace(
        ANY_PORTS, policies=chosen.policies, kernel_python=chosen.kernel_python, password=chosen.password
    )
    city = City(home, settings, report=report)
    try:
        city.start()
        yield home
    finally:
        city.stop()
        shutil.rmtree(home, ignore_errors=True)
