"""The program of the sealed process that decodes: lines of JSON in, one line of JSON out for each file.

It says that it is ready once its libraries are there, so that whoever waits can tell a seal that does not
hold from a file that ends a decoder.
"""

import json
import os
import sys
from pathlib import Path

from sandbox.disclosure.decode import Undecoded, decode_file
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.disclosure.plain_values import plain, read_plain

READY = b"ready\n"


def main(given: str) -> int:
    sink = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # what a library prints is no answer
        os.dup2(silence, stream)
    sink.write(READY)
    sink.flush()
    with Path(given).open("rb") as lines:
        limits = read_plain(FileLimits, json.loads(lines.readline()))
        for line in lines:
            decoded = decode_file(read_plain(Undecoded, json.loads(line)), limits)
            sink.write(json.dumps(plain(decoded)).encode() + b"\n")
            sink.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
