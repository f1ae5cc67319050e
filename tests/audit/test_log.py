"""The log for itself: it signs only what continues what it signed, and a recount finds what was changed."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from sandbox.audit import Event, Log, NotProven, Signer, append, verify_growth
from sandbox.audit.erase import erase_opening
from sandbox.audit.note import PublicKey, open_checkpoint
from sandbox.audit.tables import checkpoints, entries, nodes, openings
from sandbox.audit.tree import EMPTY_ROOT, Growth, hash_leaf
from sandbox.database import Database
from sandbox.database.roles import VAULT
from sandbox.errors import Forbidden, InvalidInput, NotFound, Unavailable
from sandbox.standalone.postgres import Postgres


def fill(database: Database, count: int) -> None:
    with database.transaction() as tx:
        for number in range(count):
            append(
                tx,
                Event(kind="query.asked", actor="wang", subject=f"query:{number}", payload={"rho": "1/200"}),
            )


def change(database: Database, statement: str) -> None:
    with database.transaction() as tx:
        assert tx.execute(text(statement)).rowcount


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Log:
    return Log(database, Signer(tmp_path / "log"))


def test_a_checkpoint_is_signed_and_covers_every_committed_entry(log: Log, database: Database) -> None:
    fill(database, 10)
    checkpoint = open_checkpoint(log.checkpoint(), PublicKey.parse(log.public_key))
    with database.transaction() as tx:
        leaves = tx.scalars(select(entries.c.entry).order_by(entries.c.index)).all()
    tree = Growth()
    for leaf in leaves:
        tree.add(hash_leaf(leaf.encode()))
    assert (checkpoint.origin, checkpoint.size) == ("cihu.local/log", log.size())
    assert checkpoint.root == tree.root()


def test_the_key_is_made_once_private_and_its_making_is_an_entry(
    log: Log, database: Database, tmp_path: Path
) -> None:
    log.checkpoint()
    log.checkpoint()
    again = Log(database, Signer(tmp_path / "log"))
    assert again.public_key == log.public_key
    assert stat.S_IMODE((tmp_path / "log/log.pem").stat().st_mode) == 0o600
    assert again.size() == 1
    opening = log.opening(0)
    assert opening
    assert log.public_key in opening.content
    (tmp_path / "log/log.pem").chmod(0o644)
    with pytest.raises(Unavailable, match="Others may read"):
        Signer(tmp_path / "log")


def test_nothing_new_means_the_same_checkpoint(log: Log, database: Database) -> None:
    fill(database, 3)
    assert log.checkpoint() == log.checkpoint()
    with database.transaction() as tx:
        assert len(tx.execute(select(checkpoints)).all()) == 1


def test_every_checkpoint_is_consistent_with_every_later_one(log: Log, database: Database) -> None:
    notes = []
    for count in (1, 1, 3, 5, 8, 1, 13):
        fill(database, count)
        notes.append(log.checkpoint())
    key = PublicKey.parse(log.public_key)
    for place, first in enumerate(notes):
        for second in notes[place:]:
            sizes = open_checkpoint(first, key).size, open_checkpoint(second, key).size
            verify_growth(first, second, log.consistency(*sizes), log.public_key)
    with pytest.raises(NotProven, match="only grown"):
        verify_growth(notes[0], notes[5], log.consistency(1, 3), log.public_key)
    for first_size, second_size in [(0, 3), (3, 2), (1, 10_000)]:
        with pytest.raises(InvalidInput):
            log.consistency(first_size, second_size)


def test_checkpoints_and_appends_at_the_same_time_stay_consistent(log: Log, database: Database) -> None:
    def round(number: int) -> bool:
        fill(database, 5)
        log.checkpoint()
        log.receipt(number * 5)
        return log.verify_whole().verified

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round, range(20)))
    log.checkpoint()
    whole = log.verify_whole()
    assert whole.verified, whole.faults
    assert whole.size == 101


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "UPDATE log.entries SET entry = replace(entry, 'asked', 'other') WHERE index = 12",
            "entry 12 is not the one",
        ),
        (
            "DELETE FROM log.openings WHERE index >= 12; DELETE FROM log.entries WHERE index >= 12",
            "but only 12",
        ),
        (
            "DELETE FROM log.openings WHERE index = 14; DELETE FROM log.entries WHERE index = 14",
            "entry 14 is missing",
        ),
        (
            "UPDATE log.nodes SET hash = decode(repeat('ab', 32), 'hex') WHERE level = 0 AND position = 12",
            "entry 12",
        ),
        (
            "UPDATE log.nodes SET hash = decode(repeat('ab', 32), 'hex') WHERE level = 1 AND position = 6",
            "of level 1",
        ),
        ("DELETE FROM log.nodes WHERE level = 2 AND position = 3", "missing"),
    ],
)
def test_changed_entries_and_nodes_are_found_and_nothing_more_is_signed(
    log: Log, database: Database, statement: str, fault: str
) -> None:
    fill(database, 9)
    log.checkpoint()  # 10 entries, with that of the key
    fill(database, 7)
    if "but only" in fault:
        log.checkpoint()
    signed = log.signer.last()
    with database.transaction() as tx:
        for part in statement.split("; "):
            assert tx.execute(text(part)).rowcount
    whole = log.verify_whole()
    assert not whole.verified
    assert any(fault in found for found in whole.faults), whole.faults
    with pytest.raises(Unavailable):
        log.checkpoint()
    assert log.signer.last() == signed


def test_history_before_the_last_checkpoint_cannot_be_rewritten_even_with_all_its_hashes(
    log: Log, database: Database
) -> None:
    fill(database, 6)
    note = log.checkpoint()
    # the owner turns forger: another entry 2, and every hash above it anew
    with database.transaction() as tx:
        texts = list(tx.scalars(select(entries.c.entry).order_by(entries.c.index)))
        texts[2] = texts[2].replace("2", "3")
        tx.execute(text("UPDATE log.entries SET entry = :entry WHERE index = 2"), {"entry": texts[2]})
        tx.execute(text("DELETE FROM log.nodes"))
        tree = Growth()
        for leaf in texts:
            for node, hash in tree.add(hash_leaf(leaf.encode())):
                tx.execute(insert(nodes).values(level=node.level, position=node.position, hash=hash))
    fill(database, 1)
    with pytest.raises(Unavailable) as refused:
        log.checkpoint()
    assert "no longer lead to the root" in refused.value.internal
    assert "do not lead to the root that was signed" in " ".join(log.verify_whole().faults)
    with database.transaction() as tx:  # and takes the stored checkpoints away: the signer remembers
        tx.execute(text("DELETE FROM log.checkpoints"))
    with pytest.raises(Unavailable):
        log.checkpoint()
    assert "do not lead to the root that was signed" in " ".join(log.verify_whole().faults)
    open_checkpoint(note, log.signer.public_key)


def test_a_log_rolled_back_to_before_a_checkpoint_is_noticed(log: Log, database: Database) -> None:
    fill(database, 6)
    log.checkpoint()
    with database.transaction() as tx:
        for table in ("checkpoints", "openings", "nodes", "entries"):
            tx.execute(text(f"DELETE FROM log.{table}"))
    fill(database, 2)
    with pytest.raises(Unavailable) as refused:
        log.checkpoint()
    assert "2 entries where 7 were signed" in refused.value.internal
    assert not log.verify_whole().verified


def test_a_forged_checkpoint_in_the_table_is_found(log: Log, database: Database) -> None:
    fill(database, 2)
    log.checkpoint()
    change(database, "UPDATE log.checkpoints SET note = replace(note, E'\\n3\\n', E'\\n2\\n')")
    with pytest.raises(Unavailable):
        log.checkpoint()
    assert "signature" in " ".join(log.verify_whole().faults)


def test_a_changed_opening_is_found_and_an_erased_one_leaves_every_proof_valid(
    log: Log, database: Database
) -> None:
    fill(database, 5)
    before = log.receipt(3)
    with database.transaction() as tx:
        erased = erase_opening(tx, index=3, by="xu", reason="asked for by the person")
    assert log.receipt(3, opening=True) == before
    assert log.opening(3) is None
    whole = log.verify_whole()
    assert (whole.verified, whole.erased, whole.opened) == (True, 1, whole.size - 1), whole.faults
    assert log.receipt(erased, opening=True)["opening"]
    with pytest.raises(NotFound), database.transaction() as tx:
        erase_opening(tx, index=3, by="xu", reason="again")
    change(database, "UPDATE log.openings SET content = replace(content, 'wang', 'chen') WHERE index = 4")
    assert "the opening of entry 4" in " ".join(log.verify_whole().faults)


def test_the_log_signs_and_proves_with_the_vaults_role_which_cannot_erase(
    postgres: Postgres, database_name: str, tmp_path: Path
) -> None:
    service = Database(postgres.url(user=VAULT, database=database_name))
    try:
        log = Log(service, Signer(tmp_path / "log"))
        fill(service, 3)
        log.receipt(2, opening=True)
        fill(service, 3)
        log.checkpoint()
        whole = log.verify_whole()
        assert whole.verified, whole.faults
        with pytest.raises(Forbidden), service.transaction() as tx:
            erase_opening(tx, index=1, by="xu", reason="asked for")
    finally:
        service.close()


def test_a_new_key_signs_the_whole_log_again_and_the_old_checkpoints_still_count(
    log: Log, database: Database, tmp_path: Path
) -> None:
    fill(database, 4)
    log.checkpoint()
    renewed = Log(database, Signer(tmp_path / "new"))
    fill(database, 4)
    renewed.checkpoint()
    whole = renewed.verify_whole()
    assert (whole.verified, whole.checkpoints) == (True, 2), whole.faults
    change(database, "UPDATE log.checkpoints SET note = replace(note, E'\\n5\\n', E'\\n4\\n') WHERE size = 5")
    assert not renewed.verify_whole().verified


def test_an_empty_log_is_verified_and_has_the_empty_root(log: Log) -> None:
    whole = log.verify_whole()
    assert (whole.verified, whole.size, whole.root) == (True, 0, EMPTY_ROOT.hex())
    with pytest.raises(NotFound):
        log.receipt(0)


def test_nodes_and_openings_that_belong_to_no_entry_are_found(log: Log, database: Database) -> None:
    fill(database, 3)
    with database.transaction() as tx:
        tx.execute(insert(nodes).values(level=5, position=9, hash=bytes(32)))
    assert "belong to no entry" in " ".join(log.verify_whole().faults)
    with database.transaction() as tx:
        assert tx.scalar(select(openings.c.index).order_by(openings.c.index.desc()).limit(1)) == 2


def test_a_large_log_is_proved_from_stored_nodes_and_recounted_over_many_chunks(
    log: Log, database: Database
) -> None:
    fill(database, 2500)
    receipts = [log.receipt(index) for index in (0, 1, 999, 1000, 1001, 2047, 2048, 2499)]
    assert all(len(receipt["proof"]) <= 12 for receipt in receipts)
    assert log.entries(998, 1003) == [log.receipt(index)["entry"] for index in range(998, 1003)]
    assert len(log.entries(0, 2500)) == 1000
    whole = log.verify_whole()
    assert (whole.verified, whole.size) == (True, 2501), whole.faults
