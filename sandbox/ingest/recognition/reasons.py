"""The sentences that give the reason of a recognition, in English and Chinese.

They are made of the rule, the class of the share and what was seen of the header. No cell comes in here.
"""

from sandbox.ingest.recognition.model import ShareClass
from sandbox.ingest.recognition.rules import FreeTextRule, IdentifierKind

SHARES: dict[ShareClass, tuple[str, str]] = {
    "none": ("No cells", "没有单元格"),
    "few": ("Few cells (under 5 %)", "少数单元格（不足5%）"),
    "some": ("Some cells (under 50 %)", "部分单元格（不足50%）"),
    "most": ("Most cells (under 80 %)", "多数单元格（不足80%）"),
    "nearly all": ("Nearly all cells (80 % or more)", "几乎全部单元格（80%及以上）"),
}


def reason(
    kind: IdentifierKind, share: ShareClass, *, in_header: bool, inside: bool, loose: bool
) -> tuple[str, str]:
    """`loose`: only the looser form fits, which counts because of the header."""
    cells, cells_zh = SHARES[share]
    standard = f" ({kind.standard})" if kind.standard else ""
    standard_zh = f"（{kind.standard}）" if kind.standard else ""
    if inside:
        parts = [f"{cells} hold, within a longer text, this: {kind.title_en}{standard}."]
        parts_zh = [f"{cells_zh}的文字中含有{kind.title_zh}{standard_zh}。"]
    elif loose:
        parts = [f"{cells} could be this: {kind.title_en}{standard}."]
        parts_zh = [f"{cells_zh}可能是{kind.title_zh}{standard_zh}。"]
    else:
        parts = [f"{cells} have the form of this: {kind.title_en}{standard}."]
        parts_zh = [f"{cells_zh}符合{kind.title_zh}{standard_zh}的格式。"]
    if kind.checksum and not loose:
        parts.append("They pass its check.")
        parts_zh.append("并通过校验。")
    if in_header:
        parts.append("The header names it.")
        parts_zh.append("列名也与之相符。")
    elif not kind.checksum:
        parts.append("The header does not name it.")
        parts_zh.append("列名未提及。")
    return " ".join(parts), "".join(parts_zh)


def free_text_reason(rule: FreeTextRule, share: ShareClass) -> tuple[str, str]:
    cells, cells_zh = SHARES[share]
    return (
        f"{cells} are long texts, and most of the texts are different: {rule.title_en}. "
        "Anything may stand in them.",
        f"{cells_zh}是较长的文字，且多数互不相同，属于{rule.title_zh}，其中可能含有任何内容。",
    )
