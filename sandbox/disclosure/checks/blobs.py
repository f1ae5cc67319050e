"""Finds content that no reader can read: encoded bytes, endless numbers, patterns of spaces."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import log2

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, blocks

HEX = re.compile(r"(?<![0-9A-Za-z])(?=[0-9A-Fa-f]*[A-Fa-f])(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{24,}(?![0-9A-Za-z])")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
DENSE = re.compile(r"[\x21-\x7e]{48,}")
BITS = re.compile(r"[01]{32,}|(?:[01][ ,]){40,}")
ESCAPES = re.compile(
    r"(?:\\x[0-9a-fA-F]{2}){6,}|(?:\\u[0-9a-fA-F]{4}){6,}|(?:%[0-9a-fA-F]{2}){6,}|data:[\w/+.-]+;base64,"
)
DIGITS = re.compile(r"(?<![\w.])[+-]?\d[\d,_]*\.?\d*(?:[eE][+-]?\d+)?")
BYTES = re.compile(r"(?:\b(?:25[0-5]|2[0-4]\d|1?\d?\d)\b[ ,]+){32,}")
SHOWN = 10
PADDED = 3
BLOB_REMEDY = (
    "Write what a person can read; leave out encoded content, digests and tokens.",
    "请写成可读内容，去掉编码内容、摘要和令牌。",
)


def blobs(subject: Subject) -> Iterator[Finding]:
    shown = 0
    for piece in subject.words:
        if is_blob(piece.text) and shown < SHOWN:
            shown += 1
            yield blocks(
                "blob",
                "hidden_content",
                "Here stands something that looks like encoded bytes.",
                BLOB_REMEDY[0],
                "此处内容疑似编码后的数据。",
                BLOB_REMEDY[1],
                where=piece.where,
            )


def is_blob(text: str) -> bool:
    """Encoded bytes: hexadecimal, base64, base85, bits, escapes, lists of bytes.
    Words, paths and names are none: few signs, or known breaks.
    """
    if len(text) < 24:
        return False
    if HEX.search(text) or BITS.search(text) or ESCAPES.search(text) or BYTES.search(text):
        return True
    if any(
        _bits(run) > 4.0 and _kinds(run) >= 3 and _switches(run) > len(run) / 4
        for run in BASE64.findall(text)
    ):
        return True
    return any(
        _bits(run) > 4.6
        and _kinds(run) >= 3
        and sum(not sign.isalnum() for sign in run) > len(run) / 8
        and not run.startswith("http")
        for run in DENSE.findall(text)
    )


def _bits(run: str) -> float:
    """Shannon entropy of its signs, in bits a sign."""
    return -sum(times / len(run) * log2(times / len(run)) for times in Counter(run).values())


def _kinds(run: str) -> int:
    return sum(
        (
            any(map(str.islower, run)),
            any(map(str.isupper, run)),
            any(map(str.isdigit, run)),
            any(not sign.isalnum() for sign in run),
        )
    )


def _switches(run: str) -> int:
    """How often small letters, capitals, digits and others change:
    words change seldom, encoded bytes at every second sign."""
    kinds = [
        "a" if sign.islower() else "A" if sign.isupper() else "0" if sign.isdigit() else "-" for sign in run
    ]
    return sum(one != other for one, other in pairwise(kinds))


def wide_numbers(subject: Subject) -> Iterator[Finding]:
    """A number with more digits than a double has is no measurement: digits are a place to hide."""
    most, shown = subject.thresholds.significant_digits, 0
    for piece in subject.pieces:
        if len(piece.text) <= most and "e" not in piece.text.lower():
            continue
        for match in DIGITS.finditer(piece.text):
            digits = re.sub(r"[eE][+-]?\d+$", "", match.group())
            digits = re.sub(r"\D", "", digits).lstrip("0").rstrip("0")
            exponent = re.search(r"[eE][+-]?(\d+)$", match.group())
            if (
                len(digits) > most
                or (exponent and int(exponent.group(1)[:9]) > 300)
                or len(match.group()) > 60
            ) and shown < SHOWN:
                shown += 1
                yield blocks(
                    "wide_number",
                    "hidden_content",
                    f"A number has {len(digits)} digits; at most {most} mean anything.",
                    "Round numbers to what they mean, such as 6 digits.",
                    f"数值有 {len(digits)} 位有效数字，最多 {most} 位。",
                    "请按实际意义保留位数，例如 6 位。",
                    where=piece.where,
                )


def whitespace(subject: Subject) -> Iterator[Finding]:
    """Spaces and tabs at the ends of lines, in a pattern: nobody sees them."""
    if subject.opened.kind not in (Kind.TEXT, Kind.NOTEBOOK):
        return
    lines = [line.rstrip("\r") for piece in subject.opened.texts for line in piece.text.split("\n")]
    widths = Counter(map(len, lines))
    # lines padded to one width, as statistical packages print them, say nothing by their ends
    tails = [
        line[len(line.rstrip(" \t\u3000")) :] for line in lines if "\t" in line or widths[len(line)] < PADDED
    ]
    patterns = {tail for tail in tails if tail and tail != "  "}  # two spaces break a line in Markdown
    inner = sum(bool(re.search(r"(?<=\S)(?: \t|\t )+[ \t]{4,}(?=\S)", line)) for line in lines)
    if (
        any("\t" in tail and " " in tail for tail in patterns)
        or len(patterns) > 4
        or any(len(tail) > 40 for tail in patterns)
        or inner
    ):
        yield blocks(
            "hidden_whitespace",
            "hidden_content",
            "Spaces and tabs at the ends of lines make a pattern.",
            "Strip the ends of lines.",
            "行尾的空格和制表符形成了图样。",
            "请去掉行尾空白。",
        )
