"""Says which witnesses co-signed the checkpoint of a receipt, and puts a receipt under a newer one. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.audit.batch_receipts import is_batch_receipt, verify_batch_receipt
from sandbox.audit.cosignatures import Cosignature, WitnessKey, read_cosignatures
from sandbox.audit.note import NotProven
from sandbox.audit.receipts import verify_receipt
from sandbox.audit.witness_policy import WitnessPolicy

REMEDY = (
    "A new entry is co-signed when its witnesses look next: get the receipt anew later (`cihu audit renew`)."
)

REMEDY_ZH = "新记录在其见证方下次查看时得到联署：请稍后重新获取凭证（cihu audit renew）。"


def verify_any_receipt(document: Mapping[str, Any], public_key: str) -> None:
    """Of an entry, or of a leaf that an entry stands for. Raises `NotProven`."""
    if is_batch_receipt(document):
        verify_batch_receipt(document, public_key)
    else:
        verify_receipt(document, public_key)


def require_witnesses(
    document: Mapping[str, Any], public_key: str, policy: WitnessPolicy, keys: Sequence[str]
) -> list[Cosignature]:
    """Who co-signed the receipt's checkpoint, of the policy's witnesses and those of `keys` (vkeys).

    Raises `NotProven` if the receipt does not hold, one of `keys` did not co-sign, or the policy's quorum is
    not met.
    """
    verify_any_receipt(document, public_key)
    named = [WitnessKey.parse(key) for key in keys]
    known = dict.fromkeys([*policy.witnesses.values(), *named])
    note = (document["receipt"] if is_batch_receipt(document) else document)["checkpoint"]
    found = read_cosignatures(note, known)
    by = [each.key for each in found]
    for key in named:
        if key not in by:
            raise NotProven(
                f"{key.name} has not co-signed the receipt's checkpoint.",
                remedy=REMEDY,
                zh=f"{key.name} 没有联署该凭证的检查点。",
                remedy_zh=REMEDY_ZH,
            )
    if not policy.met_by(by):
        names = ", ".join(key.name for key in by) or "nobody"
        names_zh = "、".join(key.name for key in by) or "无"
        raise NotProven(
            f"The receipt's checkpoint is not witnessed: {names} co-signed it.",
            remedy=REMEDY,
            zh=f"该凭证的检查点未得到足够见证方的联署（已联署：{names_zh}）。",
            remedy_zh=REMEDY_ZH,
        )
    return found


def renewed(document: Any, fetch: Callable[[int], Mapping[str, Any]]) -> dict[str, Any]:
    """The same receipt under the checkpoint that the log now gives for its entry; `fetch(index)` gets that.

    What the entry committed to stays as it was. Raises `NotProven` if the log now has another entry there:
    then the old receipt is evidence.
    """
    if is_batch_receipt(document):
        return {**document, "receipt": renewed(document["receipt"], fetch)}
    if not isinstance(document, Mapping) or not isinstance(document.get("index"), int):
        raise NotProven("This is no receipt.", zh="这不是凭证。")
    newer = fetch(document["index"])
    if newer.get("entry") != document.get("entry"):
        raise NotProven(
            f"The log now has another entry {document['index']} than the receipt.",
            remedy="Keep the receipt: it is evidence that the log was changed.",
            zh=f"日志现在的第 {document['index']} 条记录与凭证中的不同。",
            remedy_zh="请保存该凭证：它是日志被改动的证据。",
        )
    return {**document, "proof": newer["proof"], "checkpoint": newer["checkpoint"]}
