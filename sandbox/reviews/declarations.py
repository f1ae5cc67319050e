"""Checks the words of a release request.
They are never checked against what a run left: whether there is a file is data."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from sandbox.errors import InvalidInput
from sandbox.reviews.model import Declared

PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
PLAIN = re.compile(rf"{PART}(/{PART}){{0,3}}")
MOST_FILES, SHORTEST, LONGEST = 40, 10, 4000


def check_declared(files: Sequence[Declared], statbarns: Collection[str]) -> None:
    """Whether these words can be a request. Looks at nothing but the words.
    Raises `InvalidInput` for all that is wrong with them together."""
    faults = list(_faults(files, statbarns))
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise InvalidInput(
            f"{len(faults)} things are wrong: " + " ".join(fault.message for fault in faults),
            code=faults[0].code,
            remedy=" ".join(dict.fromkeys(fault.remedy for fault in faults)),
            zh=f"共有 {len(faults)} 处问题：" + "".join(fault.zh for fault in faults),
            remedy_zh="".join(dict.fromkeys(fault.remedy_zh for fault in faults)),
        )


def _faults(files: Sequence[Declared], statbarns: Collection[str]) -> Iterator[InvalidInput]:
    if not 1 <= len(files) <= MOST_FILES or len({one.path for one in files}) < len(files):
        yield InvalidInput(
            f"A request names 1 to {MOST_FILES} files, each once.",
            remedy="Say which files are to leave.",
            zh=f"申请须列出 1 至 {MOST_FILES} 个文件，每个一次。",
            remedy_zh="请写明要放行哪些文件。",
        )
        return
    for one in files:
        yield from _faults_of(one, statbarns)
    counts = {one.counts for one in files}
    if both := sorted(one.path for one in files if one.path in counts):
        yield InvalidInput(
            f"{both[0]} cannot be both asked for and supporting counts, which are never released.",
            remedy="Let the program write the counts into a file of their own.",
            zh=f"{both[0]} 不能既申请放行又作为支持性计数（后者从不放行）。",
            remedy_zh="请让程序把计数写入单独的文件。",
        )


def _faults_of(one: Declared, statbarns: Collection[str]) -> Iterator[InvalidInput]:
    for path in (one.path, *([one.counts] if one.counts is not None else [])):
        if not PLAIN.fullmatch(path):
            yield InvalidInput(
                f"{path[:80]!r} is not the path of a file in an outbox.",
                zh=f"{path[:80]!r} 不是输出文件的路径。",
                remedy="Write it as in the program: letters, digits and . _ -, in parts joined by /.",
                remedy_zh="请按程序中的写法：字母、数字和 . _ -，以 / 分隔。",
            )
    if one.statbarn not in statbarns:
        near = get_close_matches(one.statbarn, statbarns, 3, 0.5)
        perhaps = f"Perhaps {' or '.join(near)}? " if near else ""
        yield InvalidInput(
            f"{one.path}: {one.statbarn[:60]!r} is not a kind of statistic.",
            zh=f"{one.path}：没有此统计类别。",
            remedy=f"{perhaps}Use one of: {', '.join(statbarns)}.",
            remedy_zh=f"可用：{'、'.join([*near, *(name for name in statbarns if name not in near)])}。",
        )
    for what, what_zh, text in (("context", "背景", one.context), ("controls", "控制措施", one.controls)):
        if len(text.strip()) < SHORTEST or len(text) > LONGEST or not whole(text):
            yield InvalidInput(
                f"{one.path}: the {what} needs {SHORTEST} to {LONGEST} characters.",
                code="declaration_short",
                remedy=(
                    "Say which people and variables it is about, and what you did so that nobody can be "
                    "recognised: reviewers decide by it."
                ),
                zh=f"{one.path}：{what_zh}须为 {SHORTEST} 至 {LONGEST} 个字符。",
                remedy_zh="请说明涉及哪些人和变量，以及为防止识别个人采取了什么措施：审核人据此决定。",
            )


def whole(text: str) -> bool:
    """Whether Postgres and UTF-8 can keep it."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
