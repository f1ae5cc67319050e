"""Asks about texts that a program wrote while it read raw rows: which lines stand there, how often and in
which order can depend on single units, and no machine can tell."""

import re
import zlib
from collections import Counter
from collections.abc import Iterator

from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, asks

ENOUGH_LINES = 6
"""Lines of which half or more say what another says: their number and order are what they say."""
MARKS = re.compile(r"\S{8,}")
FEW_MARKS, ENOUGH_MARKS = 4, 40
"""Signs of a row of marks, and how many of them stand together."""
REMEDY = (
    "Read it to its end. Let the program write no line that depends on a row; a table of results has its own "
    "file.",
    "请通读全文。程序不应写出取决于某一行数据的文字；结果表应另存为文件。",
)


def free_text(subject: Subject) -> Iterator[Finding]:
    """Says of each text what a reader must look at. What the vault wrote itself is not meant."""
    if (
        subject.opened.kind not in (Kind.TEXT, Kind.NOTEBOOK)
        or subject.declared.measured
        or subject.thresholds.minimum_count <= 1
    ):
        return
    lines = [line for piece in subject.opened.texts for line in piece.text.splitlines() if line.strip()]
    different = len(set(lines))
    bits = 8 * len(zlib.compress("\n".join(lines).encode("utf-8", "surrogatepass"), 9))
    yield asks(
        "text_seen",
        "hidden_content",
        f"No machine sees what a text says. This one has {len(lines)} lines, of which {different} differ, "
        f"and could spell about {bits:,} bits: by its words and numbers, and by which lines stand there.",
        REMEDY[0],
        f"机器无法判断文字的含义。此文有 {len(lines)} 行（其中 {different} 行互不相同），其用词、数值、名称"
        f"以及出现哪些行，约可编码 {bits:,} 比特。",
        REMEDY[1],
    )
    if len(lines) >= ENOUGH_LINES and different * 2 <= len(lines):
        yield _pattern(
            f"{len(lines)} lines are of {different} kinds: how often each stands there can be a count, and "
            "their order a bit a row.",
            f"{len(lines)} 行文字仅有 {different} 种：各种出现的次数可能是计数，其顺序每行可编码若干比特。",
        )
    elif (marks := _marks(lines)) >= ENOUGH_MARKS:
        yield _pattern(
            f"Rows of {marks} marks stand here, such as a program prints for its progress: each can "
            "be a bit.",
            f"此处有 {marks} 个成行的标记（如程序打印的进度）：每个可编码 1 比特。",
        )


def _marks(lines: list[str]) -> int:
    """Signs in rows of few kinds, which are no words; a row of one kind is a rule, and says its length
    alone."""
    rows = [run for line in lines for run in MARKS.findall(line)]
    few = [run for run in rows if 1 < len(Counter(run)) <= FEW_MARKS]
    return sum(map(len, few))


def _pattern(message: str, zh: str) -> Finding:
    return asks("text_pattern", "hidden_content", message, REMEDY[0], zh, REMEDY[1])
