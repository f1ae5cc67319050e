"""Counts what did not fit, column by column: how many cells, of which kind, and in which row the first.
No cell is ever quoted."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from sandbox.errors import InvalidInput
from sandbox.ingest.columns import FAULTS, Codes
from sandbox.ingest.model import Fault, FieldRules, Type, Unfit

TYPE_ZH = {
    Type.INTEGER: "整数",
    Type.NUMBER: "数",
    Type.TEXT: "文本",
    Type.BOOLEAN: "真假值",
    Type.DATE: "日期",
    Type.TIMESTAMP: "时间",
}
WORDS = {
    Fault.EMPTY: ("are empty", "为空"),
    Fault.NOT_A_VALUE: ("are no {type}", "不是{type}"),
    Fault.NOT_PLAIN: (
        "are not plain decimals (spaces, plus signs, separators, exponents or other digits)",
        "不是纯十进制写法（含空格、正号、分隔符、指数或其他数字）",
    ),
    Fault.LEADING_ZEROS: ("have leading zeros, which an integer loses", "有前导零，作为整数会丢失"),
    Fault.NOT_WHOLE: ("are not whole", "不是整数"),
    Fault.NOT_FINITE: ("are infinite or not a number", "是无穷大或非数"),
    Fault.TOO_LARGE: ("are too large to be computed exactly", "过大，无法精确计算"),
    Fault.NO_SUCH_DAY: ("are days that no calendar has", "是不存在的日期"),
    Fault.YEAR: ("lie outside the years 1 to 9999", "不在公元 1 至 9999 年之间"),
    Fault.TIME_OF_DAY: ("have a time of day", "含有时刻"),
    Fault.ZONE: ("have a time zone", "带有时区"),
    Fault.TOO_FINE: ("are finer than a microsecond", "精度高于微秒"),
    Fault.TOO_LONG: ("are longer than {longest} characters", "超过 {longest} 个字符"),
    Fault.NUL: ("have a NUL character", "含有空字符（NUL）"),
    Fault.NOT_UNICODE: ("are no text in the file's encoding", "不是文件编码中的文字"),
}
DONE = {
    Unfit.EMPTY: ("were emptied", "已置空"),
    Unfit.ROUND: ("were rounded", "已舍入"),
    Unfit.DROP: ("were left out with their rows", "已连同整行去掉"),
}


@dataclass
class Tally:
    """Of one column: what makes the file refused, and what was done as the policy says."""

    rules: FieldRules
    refused: Counter[Fault] = field(default_factory=Counter)
    done: Counter[Fault] = field(default_factory=Counter)
    first: int = 0

    def refuse(self, codes: Codes, row: int) -> None:
        """`row`: the number of the batch's first row."""
        self.refused.update(_counted(codes))
        if not self.first:
            self.first = row + int(np.flatnonzero(codes)[0])

    def note(self, codes: Codes) -> None:
        self.done.update(_counted(codes))

    def words(self, faults: Counter[Fault]) -> tuple[str, str]:
        """The kinds of faults with their counts, in English and Chinese."""
        type, zh = self.rules.type.value, TYPE_ZH[self.rules.type]
        said = [
            (count, *WORDS[fault])
            for fault, count in sorted(faults.items(), key=lambda item: (-item[1], item[0]))
        ]
        longest = self.rules.longest
        return (
            ", ".join(f"{count} {words.format(type=type, longest=longest)}" for count, words, _ in said),
            "，".join(f"{count} 个{words.format(type=zh, longest=longest)}" for count, _, words in said),
        )

    def told(self) -> str:
        """What was done, for the publishing officer; "" where nothing was."""
        return (
            f"column {self.rules.name}: of its cells {self.words(self.done)[0]}; they "
            f"{DONE[self.rules.unfit][0]}"
            if self.done
            else ""
        )


def _counted(codes: Codes) -> dict[Fault, int]:
    found, counts = np.unique(codes[codes != 0], return_counts=True)
    return {FAULTS[code - 1]: int(count) for code, count in zip(found, counts, strict=True)}


def refuse(tallies: list[Tally]) -> None:
    """Raise `InvalidInput` with every column's faults, if there are any."""
    wrong = [tally for tally in tallies if tally.refused]
    if not wrong:
        return
    said = [(tally.rules.name, *tally.words(tally.refused), tally.first) for tally in wrong]
    raise InvalidInput(
        "; ".join(
            f"column {name}: of its cells {words} (the first is in row {first})"
            for name, words, _, first in said
        )
        + ".",
        code="unfit_values",
        remedy=(
            "Mend those rows, or the column's type in the policy; or let the policy say "
            "`unfit: empty`, `round` or `drop`, or name what stands for an empty cell in `empty_marks`."
        ),
        zh="；".join(f"栏目 {name}：{words}（首个在第 {first} 行）" for name, _, words, first in said) + "。",
        remedy_zh="请改正这些行，或改正策略中的类型；也可在策略中写 unfit: empty、round 或 drop，"
        "或在 empty_marks 中写明表示空值的记号。",
    )
