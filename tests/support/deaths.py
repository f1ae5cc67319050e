"""Makes a service die, or stop, at a named place in a test: lines for `altered.py`.
The product knows nothing of them.

`_die_at(place)` kills the process if the file names that place, `_stop_at` reports that it
came there, and waits.
"""

from pathlib import Path

DEEDS = """
import os as _os, signal as _signal, time as _time
def _named():
    try:
        with open({where!r}) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""
def _die_at(place):
    if _named() == place:
        _os.kill(_os.getpid(), _signal.SIGKILL)
def _stop_at(place):
    if _named() == "stop " + place:
        _os.rename({where!r}, {where!r} + ".reached")
        while not _os.path.exists({where!r} + ".go"):
            _time.sleep(0.01)
"""


def deeds(folder: Path) -> str:
    """The lines, for the file `folder`/at."""
    return DEEDS.format(where=str(folder / "at"))
