"""The auditor's part, and anybody's: the log holds it all, in order, and the receipts prove it."""

import base64
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from sandbox.audit import verify_growth, verify_receipt
from sandbox.audit.batch_receipts import verify_batch_receipt
from sandbox.errors import Conflict
from sandbox.releases.answer_sha256 import answer_sha256
from sandbox.standalone.tour.stage import GateMissing, Stage, check

EXPECTED = {
    "dataset.published": 2,
    "request.made": 2,
    "grant.approved": 2,
    "kernel.opened": 1,
    "query.asked": 2,
    "query.released": 3,
    "query.refused": 6,
    "decision.refused": 1,
    "dataset.opened": 1,
    "product.listed": 2,
    "order.placed": 2,
    "licence.issued": 2,
    "key.issued": 2,
    "usage.sealed": 1,
    "session.opened": 5,
}

SEALED_WITHIN = 60  # seconds


def audit_verify(stage: Stage) -> str:
    """The receipts of the answer and of what was billed are verified from themselves and the public key;
    the log only grew, and misses nothing of this tour."""
    auditor = stage.person("xu")
    key = auditor.vault("GET", "/v1/log/key")["key"]
    for line in stage.known["lines"]:
        proven = verify_batch_receipt(_usage_receipt(stage, line), key)
        check(proven.kind == "usage.sealed", "the receipt of a usage line is of something else")
    first, last = stage.known["first_checkpoint"], auditor.vault("GET", "/v1/log/checkpoint")
    before, after = _size(first), _size(last)
    proof = auditor.vault("GET", f"/v1/log/consistency?first={before}&second={after}")["proof"]
    verify_growth(first, last, proof, key)
    answer = stage.known["answer"]
    proven = verify_receipt(answer["receipt"], key)
    check(proven.kind == "query.released" and proven.actor == "wang", "the receipt is of something else")
    check(
        bool(proven.payload) and (proven.payload or {})["answer_sha256"] == answer_sha256(answer),
        "the receipt does not hold this answer",
    )
    kinds = [json.loads(text)["kind"] for text in _entries(stage, before, after)]
    counts = Counter(kinds)
    missing = {kind: number for kind, number in EXPECTED.items() if counts[kind] < number}
    check(not missing, f"the log misses {missing}")
    check(
        kinds.index("query.asked") < kinds.index("query.released"),
        "an answer was released before it was asked",
    )
    stage.known["audit"] = {"size": after, "root": proven_root(last), "verified": True}
    return f"{after} entries, {sum(counts.values())} of this tour; the answer is entry {answer['log_index']}"


def _usage_receipt(stage: Stage, line: str) -> dict[str, Any]:
    """As the buyer gets it: a moment after the call, when its second is in the log."""
    tick, buyer, path = threading.Event(), stage.person("chen"), f"/api/v1/usage/{line}/receipt"
    for _ in range(SEALED_WITHIN):
        with contextlib.suppress(NotSealed):
            return sealed(lambda: dict(buyer.market("GET", path)))
        tick.wait(1)
    raise GateMissing("a usage line does not come into the log")


class NotSealed(Exception):
    """The second of a line is not in the log yet."""


def sealed(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return read()
    except Conflict as refusal:
        if refusal.code == "not_sealed":
            raise NotSealed from None
        raise


def _entries(stage: Stage, start: int, end: int) -> list[str]:
    found: list[str] = []
    while start < end:
        page: dict[str, Any] = stage.person("xu").vault(
            "GET", f"/v1/log/entries?start={start}&end={min(end, start + 500)}"
        )
        found += page["entries"]
        start += len(page["entries"]) or end
    return found


def _size(note: str) -> int:
    return int(note.splitlines()[1])


def proven_root(note: str) -> str:
    """The root hash of a checkpoint, as hex."""
    return base64.b64decode(note.splitlines()[2]).hex()
