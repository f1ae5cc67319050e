"""The beginning of a kernel.
Its text is given to the kernel's interpreter (`kernel_seal.py`); it is never imported.

    python -c TEXT BEGIN -f CONNECTION

It listens on its sockets, and does nothing that comes through them until the file BEGIN is there: the server
takes the socket folder back between the two. What BEGIN says is shown to the person with the first cell.
"""

import sys
import time
from pathlib import Path
from typing import Any

del sys.path[0]  # the folder we are in, as ipykernel_launcher does
from ipykernel.kernelapp import IPKernelApp  # noqa: E402

begin = Path(sys.argv.pop(1))
app: Any = IPKernelApp.instance()
app.initialize(sys.argv[1:])
# `!command` by pipes: the usual way wants a pseudo-terminal, of which there are only so many
# for the whole machine
app.shell.system = app.shell.system_raw
while not begin.exists():
    time.sleep(0.01)
notice = begin.read_text()


def show_once(*_: object) -> None:
    app.shell.events.unregister("pre_run_cell", show_once)
    print(notice, file=sys.stderr)


paused = begin.with_name("paused")
shown = {""}


def show_pause(*_: object) -> None:
    """Why the kernel stood still, with the first cell after it."""
    if paused.exists() and (told := paused.read_text()) not in shown:
        shown.add(told)
        print(told, file=sys.stderr)


app.shell.events.register("pre_run_cell", show_pause)
if notice:
    app.shell.events.register("pre_run_cell", show_once)
app.start()
