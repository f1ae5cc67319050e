"""One form of line for every service's log:

    2026-11-30T03:10:15.123Z INFO vault 9f86d081884c7d65 cihu.vault: POST /v1/ask 200 412 ms

Time in UTC, level, service, request id (or -), logger, message. A line is one line whatever the message
holds, because a message may repeat what somebody sent. No traceback is written, because it could quote a
value; the place where it happened is written.
"""

import logging
import sys
import time
import traceback

from sandbox.http.request_id import current_request_id

NO_REQUEST = "-"


class LineFormatter(logging.Formatter):
    """`service` is the name of the process in the third place of each line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        message = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            message = f"{message} [{where(record.exc_info)}]"
        request = current_request_id() or NO_REQUEST
        return (
            f"{moment}.{int(record.msecs):03}Z {record.levelname} {self.service} {request} {record.name}: "
            f"{in_one_line(message)}"
        )


def where(exc_info: tuple[object, ...]) -> str:
    """Type and place of a failure, never its words."""
    kind, _, trace = exc_info
    frames = traceback.extract_tb(trace)  # type: ignore[arg-type]
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{getattr(kind, '__name__', kind)}{place}"


def in_one_line(text: str) -> str:
    """Line ends and other control characters by their numbers."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def set_up(service: str, level: int = logging.INFO) -> None:
    """Write everything that this process logs to its standard output, in this form.
    A log that cannot be written (a full disk) stops nothing."""
    logging.raiseExceptions = False
    # no line says them, and to find them out takes longer than to write it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal may have another encoding
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses with their queries
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
