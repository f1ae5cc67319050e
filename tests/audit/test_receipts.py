"""A receipt is verified with nothing but itself and the public key,
and nothing in it can be changed unseen."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit import Event, Log, NotProven, Signer, append, verify_receipt
from sandbox.audit.model import Opening
from sandbox.database import Database
from sandbox.errors import InvalidInput

Receipt = dict[str, Any]


@pytest.fixture
def log(database: Database, tmp_path: Path) -> Log:
    with database.transaction() as tx:
        for number in range(11):
            append(
                tx,
                Event(kind="query.released", actor="wang", subject=f"query:{number}", payload={"rho": "1/8"}),
            )
    return Log(database, Signer(tmp_path / "log"))


def test_every_entry_has_a_receipt_that_verifies(log: Log) -> None:
    for index in range(11):
        verified = verify_receipt(log.receipt(index, opening=True), log.public_key)
        assert (verified.index, verified.kind, verified.size) == (index, "query.released", 12)
        assert (verified.actor, verified.subject, verified.payload) == (
            "wang",
            f"query:{index}",
            {"rho": "1/8"},
        )
        sealed = verify_receipt(log.receipt(index), log.public_key)
        assert (sealed.opened, sealed.actor, sealed.payload) == (False, None, None)


def test_a_receipt_survives_json_and_is_verified_in_a_process_without_a_database(log: Log) -> None:
    code = (
        "import json, sys\nfrom sandbox.audit import verify_receipt\n"
        "document = json.load(sys.stdin)\nprint(verify_receipt(document['receipt'], document['key']).subject)"
    )
    document = json.dumps({"receipt": log.receipt(5, opening=True), "key": log.public_key})
    done = subprocess.run(
        [sys.executable, "-c", code], input=document, capture_output=True, text=True, check=True
    )
    assert done.stdout == "query:5\n"


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths to every text and number in a receipt."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from places(member, (*path, number))
    else:
        yield path


def changed(receipt: Receipt, path: tuple[str | int, ...], change: Any) -> Receipt:
    copied = copy.deepcopy(receipt)
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = change(holder[path[-1]])
    return copied


def flipped(at: int, bit: int) -> Callable[[str], str]:
    return lambda text: text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]


def test_any_flipped_bit_of_any_part_fails(log: Log) -> None:
    receipt = log.receipt(6, opening=True)
    for path in places(receipt):
        value: Any = receipt
        for step in path:
            value = value[step]
        if isinstance(value, int):
            bad = [changed(receipt, path, lambda number, bit=bit: number ^ (1 << bit)) for bit in range(8)]
        else:
            assert isinstance(value, str)
            bad = [changed(receipt, path, flipped(at, bit)) for at in range(len(value)) for bit in range(7)]
        for receipt_with_flip in bad:
            with pytest.raises(NotProven):
                verify_receipt(receipt_with_flip, log.public_key)


def test_parts_of_two_receipts_cannot_be_mixed(log: Log) -> None:
    first, second = log.receipt(3, opening=True), log.receipt(4, opening=True)
    for name in ("index", "entry", "opening", "proof"):
        with pytest.raises(NotProven):
            verify_receipt(first | {name: second[name]}, log.public_key)


def test_the_failure_says_what_failed(log: Log, tmp_path: Path) -> None:
    receipt = log.receipt(3, opening=True)
    other = str(Signer(tmp_path / "other").public_key)
    forged = Opening(bytes(32), '{"actor":"chen","payload":{},"subject":"query:3"}')
    for bad, key, said in [
        (receipt, other, "not signed by cihu.local/log with the key"),
        (receipt | {"index": 99}, log.public_key, "no entry 99 in a tree of 12"),
        (receipt | {"proof": receipt["proof"][1:]}, log.public_key, "3 hashes where 4 are needed"),
        (
            receipt | {"opening": {"salt": "00" * 32, "content": forged.content}},
            log.public_key,
            "not what the entry",
        ),
        (receipt | {"format": "cihu-receipt/2"}, log.public_key, "not of the format"),
        (
            receipt | {"checkpoint": receipt["checkpoint"].replace("\n12\n", "\n13\n")},
            log.public_key,
            "was changed",
        ),
        ({}, log.public_key, "exactly the fields"),
    ]:
        with pytest.raises(NotProven, match=said):
            verify_receipt(bad, key)
    with pytest.raises(InvalidInput, match="not of the form"):
        verify_receipt(receipt, "nonsense")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = json.loads((Path(__file__).parent / "vectors/notes.json").read_text())[1]["note"]


@given(
    st.fixed_dictionaries(
        {
            "format": st.just("cihu-receipt/1") | junk,
            "index": st.integers() | junk,
            "entry": st.text(st.characters(exclude_categories=())) | junk,
            "opening": junk,
            "proof": st.lists(st.text()) | junk,
            "checkpoint": st.just(NOTE) | st.text(st.characters(exclude_categories=())) | junk,
        }
    )
)
def test_no_junk_is_taken_for_a_receipt_nor_breaks_the_verifier(receipt: Receipt) -> None:
    with pytest.raises(NotProven):
        verify_receipt(receipt, KEY)
