"""The log is found by person, object, kind and time; a page goes on where the last ended; an export proves
itself."""

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from sandbox.audit import Event, Log, NotProven, Signer, append, verify_receipt
from sandbox.audit.erase import erase_opening
from sandbox.audit.export import export_log
from sandbox.audit.search import LogFilter, search_log
from sandbox.audit.tables import objects
from sandbox.database import Database

EVENTS = (
    Event("request.made", "wang", "request:1", {"dataset": "health.visits", "team": "lake"}),
    Event("grant.approved", "lin", "grant:7", {"dataset": "health.visits", "inputs": [{"run": "r-1"}]}),
    Event("query.asked", "wang", "query:a", {"grant": 7, "text": "nul \0\0 and \\\0 in it"}),
    Event("dataset.published", "lin", "dataset:health.visits@2", {}),
    Event("account.disabled", "he", "account:wang", {"reason": "=1+1"}),
)


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Log:
    with database.transaction() as tx:
        for event in EVENTS:
            append(tx, event)
    return Log(database, Signer(tmp_path / "log"))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LogFilter(), [4, 3, 2, 1, 0]),
        (LogFilter(person="wang"), [4, 2, 0]),
        (LogFilter(object="grant:7"), [2, 1]),
        (LogFilter(object="dataset:health.visits"), [3, 1, 0]),
        (LogFilter(object="dataset:health.visits@2"), [3]),
        (LogFilter(object="run:r-1"), [1]),
        (LogFilter(person="lin", object="dataset:health.visits"), [3, 1]),
        (LogFilter(person="wang", kind="query.asked"), [2]),
        (LogFilter(kind="request.made"), [0]),
        (LogFilter(person="nobody"), []),
        (LogFilter(object="x" * 5000), []),
    ],
)
def test_entries_are_found_by_what_they_name(log: Log, wanted: LogFilter, found: list[int]) -> None:
    assert [each.index for each in search_log(log.database, wanted).entries] == found


def test_pages_go_on_where_the_last_ended(log: Log) -> None:
    wanted, seen, before = LogFilter(person="wang"), [], None
    while True:
        page = search_log(log.database, wanted, before=before, limit=1)
        seen += [each.index for each in page.entries]
        if page.older is None:
            break
        before = page.older
    assert seen == [4, 2, 0]


def test_what_is_erased_is_found_by_nobody_any_more(log: Log) -> None:
    with log.database.transaction() as tx:
        erase_opening(tx, index=2, by="owner", reason="asked for")
        left = tx.scalar(select(func.count()).select_from(objects).where(objects.c.index == 2))
    assert left == 0
    assert 2 not in [each.index for each in search_log(log.database, LogFilter(person="wang")).entries]
    erased = next(each for each in search_log(log.database, LogFilter()).entries if each.index == 2)
    assert erased.content is None


def test_every_line_of_an_export_is_a_receipt_and_a_changed_one_is_none(log: Log) -> None:
    lines = b"".join(export_log(log, LogFilter(person="wang"), format="ndjson")).decode().splitlines()
    receipts = [json.loads(line) for line in lines]
    proven = [verify_receipt(receipt, log.public_key) for receipt in receipts]
    assert [(each.index, each.actor) for each in proven] == [(4, "he"), (2, "wang"), (0, "wang")]
    assert len({receipt["checkpoint"] for receipt in receipts}) == 1
    with pytest.raises(NotProven):
        verify_receipt({**receipts[0], "index": 3}, log.public_key)


def test_a_csv_has_the_same_proofs_and_no_formula(log: Log) -> None:
    body = b"".join(export_log(log, LogFilter(), format="csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["index"] for row in rows] == ["5", "4", "3", "2", "1", "0"]
    for row in rows:
        receipt = {
            "format": "cihu-receipt/1",
            "index": int(row["index"]),
            "entry": row["entry"],
            "opening": {"salt": row["salt"], "content": row["content"]},
            "proof": json.loads(row["proof"]),
            "checkpoint": row["checkpoint"],
        }
        assert verify_receipt(receipt, log.public_key).actor == row["actor"]
    assert not any(cell[:1] in "=+-@" for row in rows for cell in row.values() if cell)


def test_a_search_reads_the_index_and_never_the_whole_log(log: Log) -> None:
    """Also of a person with much and an object together."""
    many = "generate_series(5, 20000) n"
    asked = (
        "EXPLAIN SELECT index FROM log.objects WHERE object = 'account:wang' AND index < 15000 AND EXISTS "
        "(SELECT 1 FROM log.objects o WHERE o.object = 'grant:7' AND o.index = objects.index) "
        "ORDER BY index DESC LIMIT 51"
    )
    with log.database.transaction() as tx:
        tx.execute(text(f"INSERT INTO log.entries SELECT n, '{{}}' FROM {many}"))
        tx.execute(text(f"INSERT INTO log.openings SELECT n, sha256('a'), '' FROM {many}"))
        tx.execute(text(f"INSERT INTO log.objects SELECT 'account:wang', n, 'query.asked' FROM {many}"))
        tx.execute(text("ANALYZE log.objects"))
        plan = tx.scalars(text(asked)).all()
    assert not any("Seq Scan" in line for line in plan), plan
