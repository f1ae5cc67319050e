"""How long the way of a request through the house is: `make trace` prints it; it is no test.

For one question, one metered call and one call of open rows it counts, in the vault's and the portal's own
code: the files and functions that are passed, and how often the way goes from one file to another. Each is
done once before, so that what is loaded once does not count.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

CHECKOUT = str(Path(__file__).parents[2])
OURS = tuple(f"{CHECKOUT}/{package}/" for package in ("sandbox", "marketplace"))


@dataclass
class Way:
    """What was passed while it is `open`. Each thread has its own last file."""

    open: bool = False
    files: set[str] = field(default_factory=set)
    functions: set[tuple[str, str]] = field(default_factory=set)
    moves: int = 0
    last: threading.local = field(default_factory=threading.local)

    def see(self, frame: FrameType, event: str, _: object) -> None:
        if not self.open or event != "call" or not frame.f_code.co_filename.startswith(OURS):
            return
        file = frame.f_code.co_filename
        self.files.add(file)
        self.functions.add((file, frame.f_code.co_qualname))
        self.moves += getattr(self.last, "file", file) != file
        self.last.file = file


WAY = Way()
threading.setprofile(WAY.see)  # before any thread of a service begins


@contextmanager
def way_of(name: str, once: Callable[[], None]) -> Iterator[None]:
    once()
    WAY.files.clear(), WAY.functions.clear()
    WAY.moves, WAY.open = 0, True
    try:
        yield
    finally:
        WAY.open = False
    print(f"{name:32} {len(WAY.files):6} {len(WAY.functions):10} {WAY.moves:6}")


def test_the_way_of_a_question_and_of_calls(city) -> None:
    print(f"\n{'':32} {'files':>6} {'functions':>10} {'moves':>6}")
    wang = city.vault("wang")
    request = wang.post(
        "/requests",
        json={
            "dataset": "clinic.visits",
            "team": "cihu-lake",
            "epsilon": "4",
            "purpose": "to see the way of a question",
            "until": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
        },
    )
    assert request.status_code == 201, request.text
    approved = city.vault("lin").post(f"/requests/{request.json()['id']}/approve", json={})
    assert approved.status_code in (200, 201), approved.text

    def ask(year: int) -> None:
        sql = f"SELECT district, COUNT(*) AS n FROM clinic.visits WHERE year = {year} GROUP BY district"
        answer = wang.post("/ask", json={"sql": sql, "epsilon": "0.1"})
        assert answer.status_code == 200, answer.text

    with way_of("a question", lambda: ask(1)):
        ask(2)

    def call(product: str, key: str, **given: str) -> None:
        answer = city.call(product, key, **given)
        assert answer.status_code == 200, answer.text

    query, rows = city.list_query()["id"], city.list_rows()["id"]
    (_, query_key), (_, rows_key) = city.buy(query), city.buy(rows)
    with way_of("a metered call of a query", lambda: call(query, query_key, district="north")):
        call(query, query_key, district="south")
    with way_of(
        "a metered call of open rows", lambda: call(rows, rows_key, business="磁湖酒家", year="2003")
    ):
        call(rows, rows_key, business="磁湖酒家", year="2004")
    assert sys.getprofile() is None
