"""Runs a city in the foreground until somebody stops it. Ctrl-C and SIGTERM end it whole.

A part that ends by itself is started again (supervisor.py); the rest goes on.
"""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from sandbox.errors import CihuError
from sandbox.standalone.city_config import CityConfig
from sandbox.standalone.supervisor import City
from sandbox.standalone.system_errors import of_the_system

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to end. Not an `Exception`, so that nothing on the way takes it for a fault."""


def run_city(city: City, *, ready: Callable[[CityConfig], None] = lambda _: None) -> int:
    """Start `city`, call `ready`, stay until a signal, stop everything. Returns the exit status.

    To be called in the main thread. 0: asked to end; 1: it could not start, or not go on (reported on
    stderr).
    """
    before = {ending: signal.signal(ending, stop) for ending in ENDINGS}
    try:
        ready(city.start())
        city.wait()
    except Stopped:
        return 0
    except (CihuError, OSError) as error:
        told = error if isinstance(error, CihuError) else of_the_system(error)
        print(told, file=sys.stderr)
        return 1
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half a city
        city.stop()
        for ending, handler in before.items():
            signal.signal(ending, handler)


def stop(_: int, __: FrameType | None) -> None:
    raise Stopped
