"""Finds characters that a reader does not see, or takes for others."""

import re
import unicodedata
from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, asks, blocks

PLAIN = re.compile(
    r"[\x20-\x7e\n\r\t\u4e00-\u9fff\u3000-\u3002\u3008-\u3011\uff01-\uff0f\uff1a-\uff20\u2013\u2014\u2018-\u201d\u2026·×÷±°²³≤≥≈µ√≠]*"
)
SPACES = frozenset(" \u3000\n\r\t")
SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
KNOWN = ("LATIN", "GREEK", "CJK", "DIGIT", "HIRAGANA", "KATAKANA", "FULLWIDTH", "SUPERSCRIPT", "SUBSCRIPT")
WORD = re.compile(r"[^\W\d_]+")
SHOWN = 10


def characters(subject: Subject) -> Iterator[Finding]:
    shown = 0
    for piece in subject.words:
        if PLAIN.fullmatch(piece.text) and not re.search(r"\r(?!\n)", piece.text):
            continue
        finding = _judge(piece.text, piece.where)
        if finding and shown < SHOWN:
            shown += 1
            yield finding


def _judge(text: str, where: str) -> Finding | None:
    stack = 0
    for sign in text:
        kind = unicodedata.category(sign)
        stack = stack + 1 if kind in ("Mn", "Me") else 0
        if (
            (kind in ("Cc", "Cf", "Cs", "Co", "Cn") and sign not in "\n\r\t")
            or (kind.startswith("Z") and sign not in SPACES)
            or (kind in ("Mn", "Me") and "VARIATION" in unicodedata.name(sign, ""))
            or sign in "\u115f\u3164"
        ):
            return blocks(
                "hidden_sign",
                "hidden_content",
                f"Here stands a sign that nobody sees (U+{ord(sign):04X}).",
                "Remove control, zero-width, direction and private signs and unusual spaces.",
                f"此处有不可见字符（U+{ord(sign):04X}）。",
                "请去掉控制、零宽、方向、私用字符和特殊空格。",
                where=where,
            )
        if stack > 2:
            return blocks(
                "stacked_signs",
                "hidden_content",
                "Marks are stacked on a letter.",
                "Use plain letters.",
                "字母上叠加了多个符号。",
                "请使用普通字母。",
                where=where,
            )
    if re.search(r"\r(?!\n)", text):
        return blocks(
            "hidden_sign",
            "hidden_content",
            "A carriage return hides what stands before it.",
            "End lines with \\n.",
            "回车符会遮盖前面的内容。",
            "请用 \\n 换行。",
            where=where,
        )
    return _look_alike(text, where)


def _look_alike(text: str, where: str) -> Finding | None:
    for word in WORD.findall(text):
        names = [unicodedata.name(sign, "") for sign in word if not sign.isascii()]
        if any(name.startswith(("MATHEMATICAL", "FULLWIDTH LATIN")) for name in names) or (
            sum(any(unicodedata.name(sign, "").startswith(script) for sign in word) for script in SCRIPTS) > 1
            and not set(word) & set("μΔΣσβαχ")
        ):
            return blocks(
                "look_alike",
                "hidden_content",
                f"The word {word[:40]!r} mixes letters that look alike.",
                "Write it in one alphabet.",
                f"单词 {word[:40]!r} 混用了形近字母。",
                "请用同一种字母书写。",
                where=where,
            )
    strange = next(
        (
            sign
            for sign in text
            if not sign.isascii()
            and unicodedata.category(sign)[0] in "LNS"
            and not unicodedata.name(sign, "").startswith(KNOWN)
            and not PLAIN.fullmatch(sign)
        ),
        None,
    )
    if strange and unicodedata.category(strange)[0] in "LN":
        return asks(
            "unusual_script",
            "hidden_content",
            f"Here stands a sign of an unusual script ({unicodedata.name(strange, '?').lower()}).",
            "Write Chinese or English, with ordinary digits.",
            "此处有少见文字的字符。",
            "请用中文或英文和普通数字。",
            where=where,
        )
    if sum(unicodedata.category(sign) == "So" for sign in text) > 20:
        return asks(
            "unusual_script",
            "hidden_content",
            "Here stand many pictographs.",
            "Write words.",
            "此处有大量图形符号。",
            "请改用文字。",
            where=where,
        )
    return None
