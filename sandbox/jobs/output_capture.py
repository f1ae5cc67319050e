"""Captures what a program writes to stdout and stderr: its beginning and its end.
The middle is discarded, so it fills nothing."""

import os
import threading
from collections import deque

KEPT_BYTES = 512 * 1024  # at either end
PIECE = 64 * 1024


class OutputCapture:
    """Reads a pipe to its end on a thread of its own: a program is never held up by what it says."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.left_out_bytes = 0
        self._thread = threading.Thread(target=self._read, name="what a run says", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while piece := os.read(self._descriptor, PIECE):
            room = KEPT_BYTES - len(self._head)
            self._head += piece[:room]
            self._keep(piece[room:] if room > 0 else piece)
        os.close(self._descriptor)

    def _keep(self, piece: bytes) -> None:
        self._tail.append(piece)
        self._tail_bytes += len(piece)
        while self._tail_bytes - len(self._tail[0]) >= KEPT_BYTES:
            gone = len(self._tail.popleft())
            self._tail_bytes -= gone
            self.left_out_bytes += gone

    def text(self) -> bytes:
        """All that is kept; call it when the program has ended."""
        self._thread.join()
        between = (
            f"\n[{self.left_out_bytes} bytes are left out here]\n".encode() if self.left_out_bytes else b""
        )
        return bytes(self._head) + between + b"".join(self._tail)
