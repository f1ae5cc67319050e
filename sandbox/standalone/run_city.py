"""Runs a city in the foreground until somebody stops it. Ctrl-C and SIGTERM end it whole.

A part that ends by itself is started again (supervisor.py); the rest goes on.
"""

import sys
from collections.abc import Callable

from sandbox.errors import CihuError
from sandbox.standalone.city_config import CityConfig
from sandbox.standalone.end_request import EndRequest, Stopped
from sandbox.standalone.supervisor import City
from sandbox.standalone.system_errors import of_the_system


def run_city(city: City, *, ready: Callable[[CityConfig], None] = lambda _: None) -> int:
    """Start `city`, call `ready`, stay until a signal, stop everything. Returns the exit status.

    To be called in the main thread. 0: asked to end; 1: it could not start, or not go on (reported on
    stderr). An impatient second Ctrl-C changes nothing: it must not leave half a city.
    """
    with EndRequest() as asked:
        city.asked = asked
        try:
            ready(city.start())
            city.wait()
        except Stopped:
            return 0
        except (CihuError, OSError) as error:
            if asked.came():  # Ctrl-C reaches the programs, too, that prepare a part
                return 0
            told = error if isinstance(error, CihuError) else of_the_system(error)
            print(told, file=sys.stderr)
            return 1
        finally:
            city.stop()
