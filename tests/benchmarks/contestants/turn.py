"""How does a contestant take its turn?
In a process of its own: a JSON line in is a question, a JSON line out its answer.

Imports nothing of this house: it runs in the peers' environments, too.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Ask = Callable[[str, str], Sequence[Sequence[Any]]]
"""A question's name and SQL -> the answer's rows, keys first. Raises when it cannot be asked."""


def take_turns(
    open_contestant: Callable[[Mapping[str, Any]], Ask],
    more: Callable[[], dict[str, Any]] = lambda: {"peak_memory_mb": _peak_memory_mb()},
) -> None:
    """Open with the first line's settings, then answer every line that comes, until the input ends.
    `more`: what is told beside each answer."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    ask = open_contestant(json.loads(sys.stdin.readline()))
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        turn = json.loads(line)
        print(json.dumps(_told(ask, turn) | more(), default=float), file=out, flush=True)


def _told(ask: Ask, turn: Mapping[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        rows = ask(turn["question"], turn["sql"])
    except Exception as refusal:  # whatever it is, it is this contestant's "no"
        return {"no": f"{type(refusal).__name__}: {' '.join(str(refusal).split())}"[:300]}
    return {"seconds": time.perf_counter() - started, "rows": [list(row) for row in rows]}


def _peak_memory_mb() -> int:
    """The most memory that this process ever had (proc(5), VmHWM)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024
