"""Auditors search and export the log; officers see the trail of what is their department's, without what
entries say; others see neither."""

import json

import pytest
from sqlalchemy import select

from sandbox.audit import Log, Signer, verify_receipt
from sandbox.audit.search import LogFilter
from sandbox.audit.tables import entries
from sandbox.errors import Forbidden
from sandbox.identity import create_account
from sandbox.oversight.log_trail import export, search, trail
from story import Story


@pytest.fixture
def log(story: Story, tmp_path) -> Log:  # type: ignore[no-untyped-def]
    story.publish()
    story.grant()
    with story.database.transaction() as tx:
        create_account(
            tx, account_id="xu", display_name="xu", organisation="hbpu", roles=["auditor"], by="system"
        )
    return Log(story.database, Signer(tmp_path / "log"))


def test_an_auditor_finds_what_a_person_did_and_what_was_done_with_a_dataset(story: Story, log: Log) -> None:
    auditor = story.principal("xu")
    by_lin = search(log, story.gate, auditor, LogFilter(person="lin"), before=None, limit=50)["entries"]
    assert {"dataset.published", "grant.approved"} <= {each["kind"] for each in by_lin}
    assert all("payload" in each for each in by_lin)
    found = trail(log, story.gate, auditor, "dataset:clinic.visits", before=None, limit=50)
    assert found["department"] == "health"
    assert {"dataset.published", "request.made", "grant.approved"} <= {
        each["kind"] for each in found["entries"]
    }


def test_an_officer_sees_their_own_trail_without_payloads_and_no_other(story: Story, log: Log) -> None:
    officer = story.principal("lin")
    for object in ("dataset:clinic.visits", "dataset:clinic.visits@1", "grant:1", "request:1"):
        found = trail(log, story.gate, officer, object, before=None, limit=50)["entries"]
        assert found, object
        assert not any("payload" in each for each in found)
    for object in ("account:wang", "dataset:other.things", "grant:99", "grant:x", "team:lake", ":"):
        with pytest.raises(Forbidden):
            trail(log, story.gate, officer, object, before=None, limit=50)


@pytest.mark.parametrize("who", ["lin", "wang"])
def test_nobody_else_searches_or_exports(story: Story, log: Log, who: str) -> None:
    asker = story.principal(who)
    with pytest.raises(Forbidden):
        search(log, story.gate, asker, LogFilter(), before=None, limit=5)
    with pytest.raises(Forbidden):
        export(log, story.gate, asker, LogFilter(), format="ndjson", most=5)


def test_an_export_proves_itself_and_is_an_entry(story: Story, log: Log) -> None:
    wanted = LogFilter(object="dataset:clinic.visits")
    body = b"".join(export(log, story.gate, story.principal("xu"), wanted, format="ndjson", most=50))
    receipts = [json.loads(line) for line in body.decode().splitlines()]
    assert receipts
    assert all(verify_receipt(receipt, log.public_key).opened for receipt in receipts)
    with story.database.transaction() as tx:
        newest = tx.scalars(select(entries.c.entry).order_by(entries.c.index.desc()).limit(1)).one()
    assert json.loads(newest)["kind"] == "log.exported"
