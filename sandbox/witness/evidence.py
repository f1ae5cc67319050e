"""The evidence that a log has forked: two checkpoints with its signature, of which one does not continue the
other. Pure; anybody can verify it with the log's public key."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sandbox.audit.note import NotProven, PublicKey, open_checkpoint
from sandbox.audit.receipts import verify_growth
from sandbox.errors import Conflict

FORMAT = "cihu-fork-evidence/1"
FIELDS = {"format", "log_key", "first", "second", "proof", "found_at", "why"}


class Words(NamedTuple):
    """What is wrong, in both languages."""

    en: str
    zh: str


class LogForked(Conflict):
    """The log showed a history that does not continue what it signed before. `evidence`: the file."""

    code = "log_forked"

    def __init__(self, why: Words, evidence: Path) -> None:
        super().__init__(
            f"The log has forked: {why.en} Nothing was co-signed.",
            zh=f"日志已分叉：{why.zh}未联署任何内容。",
            remedy_zh=f"两个已签署的检查点保存在 {evidence}。请公布该文件并告知日志的审计人员。"
            "该文件在见证方文件夹中期间，见证方不再联署。",
            remedy=f"Both signed checkpoints are in {evidence}. Publish it and tell the log's auditors. The "
            "witness stays silent while this file is in its folder.",
        )
        self.evidence = evidence


def fork_evidence(
    log_key: PublicKey, first: str, second: str, *, proof: Sequence[str] | None, why: str
) -> dict[str, object]:
    """`first`, `second`: the two notes, the earlier one first. `proof`: what the log gave as the proof that
    the larger continues the smaller; None if it gave none, or none is needed."""
    return {
        "format": FORMAT,
        "log_key": str(log_key),
        "first": first,
        "second": second,
        "proof": list(proof) if proof is not None else None,
        "found_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "why": why,
    }


def verify_evidence(document: object, public_key: str) -> str:
    """Say what the evidence proves of the log with this key. Raises `NotProven` if it proves nothing."""
    if not isinstance(document, Mapping) or set(document) != FIELDS or document["format"] != FORMAT:
        raise NotProven(f"This is no evidence of the format {FORMAT}.", zh=f"这不是 {FORMAT} 格式的证据。")
    first, second, proof = document["first"], document["second"], document["proof"]
    if not isinstance(first, str) or not isinstance(second, str):
        raise NotProven("The checkpoints must be texts.", zh="检查点须为文本。")
    key = PublicKey.parse(public_key)
    small, large = sorted((open_checkpoint(note, key) for note in (first, second)), key=lambda one: one.size)
    if small.size == large.size:
        if small.root == large.root:
            raise NotProven("Both checkpoints are the same.", zh="两个检查点相同。")
        return f"The log signed two different trees of {small.size} entries. That cannot be explained."
    if proof is None:
        return (
            f"The log signed {small.size} and {large.size} entries, and gave no proof that one continues the "
            "other. It must give one, or explain why it cannot."
        )
    notes = {open_checkpoint(note, key).size: note for note in (first, second)}
    try:
        verify_growth(notes[small.size], notes[large.size], list(proof), public_key)
    except NotProven:
        return (
            f"The log signed {small.size} and {large.size} entries, and what it gave as the proof that one "
            "continues the other proves nothing. It must give one that does, or explain why it cannot."
        )
    raise NotProven("The larger checkpoint continues the smaller one.", zh="较大的检查点延续了较小的检查点。")
