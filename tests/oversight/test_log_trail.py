"""Auditors search and export the log; officers see the trail of what is their department's, without what
entries say; others see neither."""

import json

import pytest
from sqlalchemy import select

from sandbox.audit import Event, Log, Signer, append, verify_receipt
from sandbox.audit.search import LogFilter
from sandbox.audit.tables import entries
from sandbox.errors import Forbidden
from sandbox.identity import create_account
from sandbox.oversight.log_trail import export, search, trail
from sandbox.oversight.object_owner import KINDS
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
    found = trail(log, story.gate, auditor, "dataset", "clinic.visits", before=None, limit=50)
    assert found["department"] == "health"
    assert {"dataset.published", "request.made", "grant.approved"} <= {
        each["kind"] for each in found["entries"]
    }


def test_an_officer_sees_their_own_trail_without_payloads_and_no_other(story: Story, log: Log) -> None:
    officer = story.principal("lin")
    for kind, id in (
        ("dataset", "clinic.visits"),
        ("dataset", "clinic.visits@1"),
        ("grant", "1"),
        ("request", "1"),
    ):
        found = trail(log, story.gate, officer, kind, id, before=None, limit=50)["entries"]
        assert found, kind
        assert not any("payload" in each for each in found)


HIDDEN = [
    ("account", "wang"),
    ("dataset", "other.things"),
    ("grant", "99"),
    ("grant", "x"),
    ("grant", "01"),
    ("team", "lake"),
    ("", ""),
]


def test_what_is_hidden_and_what_is_not_there_are_refused_in_the_same_words(story: Story, log: Log) -> None:
    officer = story.principal("lin")
    words = set()
    kinds = [*HIDDEN, *((kind, "no/1") for kind in KINDS), *((kind, "99") for kind in KINDS)]
    for kind, id in kinds:
        with pytest.raises(Forbidden) as refused:
            trail(log, story.gate, officer, kind, id, before=None, limit=50)
        words.add((refused.value.message, refused.value.code))
    assert len(words) == 1


def test_a_person_sees_what_was_done_with_their_account_but_no_others(story: Story, log: Log) -> None:
    found = trail(log, story.gate, story.principal("lin"), "account", "lin", before=None, limit=50)["entries"]
    assert {each["kind"] for each in found} >= {"account.created"}
    assert {each["kind"].partition(".")[0] for each in found} <= {"account", "session", "team", "workspace"}
    assert {each.get("actor", "lin") for each in found} == {"lin"}


def test_a_licence_belongs_to_the_department_of_its_product_and_to_its_company(
    story: Story, log: Log
) -> None:
    """The entries are those that the market writes (test_oversight_pages reads real ones)."""
    with story.database.transaction() as tx:
        for kind, subject, payload in (
            ("product.listed", "product:visits", {"dataset": "clinic.visits"}),
            ("order.placed", "order:7", {"product": "visits", "organisation": "hbpu"}),
            ("licence.issued", "licence:3", {"order": 7, "product": "visits", "organisation": "hbpu"}),
            ("key.issued", "key:5", {"licence": 3}),
            ("key.revoked", "key:5", {"licence": 3, "reason": "lost"}),
            ("key.issued", "sandbox_key:4", {"organisation": "hbpu", "mode": "sandbox"}),
            ("key.revoked", "sandbox_key:4", {}),
            ("service_account.made", "service_account:sa-1", {"organisation": "hbpu"}),
            ("service_account.rotated", "service_account:sa-1", {"hours": 24}),
        ):
            append(tx, Event(kind, "wang", subject, payload))

    def kinds(who: str, kind: str, id: str) -> set[str]:
        found = trail(log, story.gate, story.principal(who), kind, id, before=None, limit=50)
        assert not any("payload" in each for each in found["entries"])
        assert all("actor" in each for each in found["entries"]) == (who == "wang")
        return {each["kind"] for each in found["entries"]}

    for who in ("lin", "wang"):  # the seller's officer; the company's member
        assert kinds(who, "licence", "3") == {"licence.issued", "key.issued", "key.revoked"}
        assert kinds(who, "order", "7") == {"order.placed", "licence.issued"}
        assert kinds(who, "key", "5") == {"key.issued", "key.revoked"}
    assert kinds("wang", "sandbox_key", "4") == {"key.issued", "key.revoked"}
    assert kinds("wang", "service_account", "sa-1") == {"service_account.made", "service_account.rotated"}
    for who, kind, id in (
        ("zhou", "licence", "3"),
        ("lin", "sandbox_key", "4"),
        ("lin", "service_account", "sa-1"),
    ):
        with pytest.raises(Forbidden):
            trail(log, story.gate, story.principal(who), kind, id, before=None, limit=50)


def test_a_model_is_found_by_its_name_and_by_its_version(story: Story, log: Log) -> None:
    with story.database.transaction() as tx:
        append(tx, Event("model.registered", "wang", "model:risk/1", {"team": "lake"}))
        append(
            tx, Event("product.listed", "lin", "product:p", {"definition": {"model": "risk", "version": 1}})
        )
    auditor = story.principal("xu")
    for id, count in (("risk/1", 1), ("risk", 2)):
        found = trail(log, story.gate, auditor, "model", id, before=None, limit=50)
        assert len(found["entries"]) == count, id


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
