"""How does a city run in the foreground until somebody stops it? Ctrl-C and SIGTERM end it whole; so does a part that ends."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

from sandbox.city.ground import Ground
from sandbox.city.supervisor import City
from sandbox.errors import CihuError

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to end. Not an `Exception`, so that nothing on the way takes it for a fault."""


def run_city(city: City, *, ready: Callable[[Ground], None] = lambda _: None) -> int:
    """Start `city`, call `ready`, stay until a signal or a crash, stop everything. Returns the exit status.

    To be called in the main thread. 0: asked to end; 1: it could not start, or a part ended by itself (said on stderr).
    """
    before = {ending: signal.signal(ending, stop) for ending in ENDINGS}
    try:
        ready(city.start())
        city.wait()
    except Stopped:
        return 0
    except CihuError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half a city
        city.stop()
        for ending, handler in before.items():
            signal.signal(ending, handler)
    return 0


def stop(_: int, __: FrameType | None) -> None:
    raise Stopped
