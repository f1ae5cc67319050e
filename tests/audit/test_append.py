"""Appending: in the caller's transaction, in order, without gaps, by roles that cannot change what stands."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from sandbox.audit import KINDS, Event, Log, Signer, append
from sandbox.audit.tables import entries, nodes, openings
from sandbox.audit.tree import Growth, hash_leaf
from sandbox.database import Database
from sandbox.errors import InvalidInput, Unavailable
from sandbox.standalone.postgres import Postgres
from statements import statements_of


def event(number: int = 0) -> Event:
    return Event(kind="grant.approved", actor="lin", subject=f"grant:{number}", payload={"epsilon": "1/10"})


def test_entries_are_numbered_from_zero_and_the_stored_nodes_are_those_of_the_tree(
    database: Database,
) -> None:
    with database.transaction() as tx:
        assert [append(tx, event(number)) for number in range(20)] == list(range(20))
    with database.transaction() as tx:
        leaves = tx.scalars(select(entries.c.entry).order_by(entries.c.index)).all()
        stored = {(row.level, row.position): row.hash for row in tx.execute(select(nodes))}
    tree = Growth()
    assert stored == {
        tuple(node): hash for leaf in leaves for node, hash in tree.add(hash_leaf(leaf.encode()))
    }


def test_an_entry_tells_what_and_when_but_not_who_nor_the_same_twice(database: Database) -> None:
    with database.transaction() as tx:
        append(tx, event(77))
        append(tx, event(77))
        first, second = (
            json.loads(entry) for entry in tx.scalars(select(entries.c.entry).order_by(entries.c.index))
        )
    assert set(first) == {"version", "kind", "time", "commitment"}
    assert first["kind"] == "grant.approved"
    assert "lin" not in json.dumps({**first, "commitment": ""})
    assert "77" not in json.dumps([first["kind"], first["version"]])
    assert first["commitment"] != second["commitment"]


def test_a_rolled_back_transaction_leaves_no_gap(database: Database) -> None:
    with database.transaction() as tx:
        append(tx, event())
    with database.transaction() as tx:
        assert append(tx, event()) == 1
        tx.rollback()
    with database.transaction() as tx:
        assert append(tx, event()) == 1


def test_many_threads_append_without_gap_or_double_in_one_statement_each(
    database: Database, tmp_path: Path
) -> None:
    def work(number: int) -> int:
        with database.transaction() as tx:
            index = append(tx, event(number))
            if number % 10 == 9:
                tx.rollback()
                return -1
        return index

    indexes: list[int] = []
    with ThreadPoolExecutor(16) as pool, statements_of(database) as statements:
        for _ in range(3):
            indexes += pool.map(work, range(200))
    kept = sorted(index for index in indexes if index >= 0)
    assert kept == list(range(540))
    whole = Log(database, Signer(tmp_path)).verify_whole()
    assert whole.verified, whole.faults
    assert (whole.size, whole.opened) == (540, 540)
    # how fast is measured by tests/benchmarks/bench_ledger.py; here, that the others wait for no second one
    assert len([sql for sql in statements if "append" in sql]) == 600 == len(statements)


KILLED = """
import sys, time
from sandbox.audit import Event, append
from sandbox.database import Database
with Database(sys.argv[1]).transaction() as tx:
    print(append(tx, Event(kind="query.asked", actor="wang", subject="query:1")), flush=True)
    time.sleep(600)
"""


def test_a_process_killed_in_the_middle_leaves_the_log_valid_and_the_next_append_goes_on(
    postgres: Postgres, database: Database, database_name: str, tmp_path: Path
) -> None:
    with database.transaction() as tx:
        append(tx, event())
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, postgres.url(database=database_name)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "1\n"  # it holds the lock and has written entry 1, uncommitted
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with database.transaction() as tx:
        assert append(tx, event()) == 1
    whole = Log(database, Signer(tmp_path)).verify_whole()
    assert (whole.verified, whole.size) == (True, 2), whole.faults


def test_a_row_that_the_owner_planted_or_lost_stops_appending_with_a_clear_refusal(
    database: Database,
) -> None:
    with database.transaction() as tx:
        for number in range(3):
            append(tx, event(number))
        tx.execute(insert(nodes).values(level=2, position=0, hash=bytes(32)))
    with pytest.raises(Unavailable, match="place is taken"), database.transaction() as tx:
        append(tx, event())
    with database.transaction() as tx:
        tx.execute(text("DELETE FROM log.nodes WHERE level = 2 OR (level = 1 AND position = 0)"))
    with pytest.raises(Unavailable, match="node of the log is missing"), database.transaction() as tx:
        append(tx, event())


def test_a_transaction_with_an_old_snapshot_cannot_take_a_number_twice(database: Database) -> None:
    with database.engine.connect() as old:
        old.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        old.scalar(select(entries.c.index))
        with database.transaction() as tx:
            append(tx, event())
        with pytest.raises(Unavailable):
            append(old, event())


@pytest.mark.parametrize(
    "payload",
    [
        {"x": 0.5},
        {"x": [{"y": float("nan")}]},
        {"x": b"raw"},
        {1: "x"},
        {"x": {2: "y"}},
        {"x": "\ud800"},
        {"x": {1}},
    ],
)
def test_what_json_cannot_hold_exactly_is_refused(payload: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Event(kind="grant.approved", actor="lin", subject="grant:1", payload=payload)


def test_an_endlessly_nested_payload_is_refused() -> None:
    nested: list[object] = []
    nested.append(nested)
    with pytest.raises(InvalidInput, match="deeper"):
        Event(kind="grant.approved", actor="lin", subject="grant:1", payload={"x": nested})


def test_an_unknown_kind_is_refused_and_every_kind_has_a_meaning_and_an_owner() -> None:
    with pytest.raises(InvalidInput, match="no kind"):
        Event(kind="grant.aproved", actor="lin", subject="grant:1")
    assert all(kind.meaning and kind.owner for kind in KINDS.values())


def test_an_event_is_fixed_when_it_is_made(database: Database) -> None:
    columns = ["age"]
    made = Event(
        kind="dataset.published", actor="lin", subject="dataset:a", payload={"columns": columns, "数": "磁湖"}
    )
    columns.append("name")
    with database.transaction() as tx:
        append(tx, made)
        content = tx.scalar(select(openings.c.content))
    assert content == '{"actor":"lin","payload":{"columns":["age"],"数":"磁湖"},"subject":"dataset:a"}'
