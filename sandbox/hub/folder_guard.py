"""The guard of a server's kernels' folders: it removes them when the server is gone, however that went.

`python folder_guard.py`: folders come in as lines, `+PATH` to guard one and `-PATH` to forget it. At the end
of its input, which is the end of the server that holds the other end of the pipe, it removes those that are
left: a token and a connection key are in them. Needs the standard library alone; imports nothing of ours, so
that it starts fast.
"""

import shutil
import signal
import sys


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # it ends with its input, not before
        signal.signal(number, signal.SIG_IGN)
    guarded: set[str] = set()
    for line in sys.stdin:
        path = line[1:].rstrip("\n")
        if line.startswith("+"):
            guarded.add(path)
        else:
            guarded.discard(path)
    for path in guarded:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    main()
