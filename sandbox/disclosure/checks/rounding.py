"""Requires that counts are rounded, to the base that the rules ask for and to the base that the author
declares."""

import re
from collections.abc import Iterator

from sandbox.disclosure.checks.numbers import plain
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

DECLARED = re.compile(
    r"round(?:ed|ing)?\s+(?:\w+\s+){0,2}?to\s+(?:the\s+)?(?:nearest\s+)?(?:multiples?\s+of\s+)?(\d{1,4})(?!\s*(?:decimal|digit|place|d\.?p))"
    r"|(?:取整|舍入|四舍五入)(?:到|至|为)?\s*(?:最近的\s*)?(\d{1,4})(?!\s*位)",
    re.IGNORECASE,
)


def rounding(subject: Subject) -> Iterator[Finding]:
    said = DECLARED.search(subject.declared.controls)
    declared = int(next(group for group in said.groups() if group)) if said else 1
    base = max(subject.thresholds.rounding_base, 1)
    for roles in subject.tables:
        for wanted, code in ((base, "unrounded_counts"), (declared, "declared_rounding")):
            if wanted <= 1 or (code == "declared_rounding" and wanted == base):
                continue
            wrong = [
                (row, place)
                for place in roles.counts
                for row, value in enumerate(roles.numbers[place])
                if value is not None and value % wanted
            ]
            if wrong:
                row, place = wrong[0]
                value = roles.numbers[place][row]
                assert value is not None
                yield blocks(
                    code,
                    "differencing",
                    f"{len(wrong)} counts are not multiples of {wanted}, such as {plain(value)}"
                    + (", though the controls say so." if code == "declared_rounding" else "."),
                    "Round every count, and compute shares from the rounded ones: "
                    f"`(n / {wanted}).round() * {wanted}`.",
                    f"有 {len(wrong)} 个计数不是 {wanted} 的倍数，例如 {plain(value)}"
                    + ("，与声明的取整不符。" if code == "declared_rounding" else "。"),
                    f"请将所有计数取整到 {wanted} 的倍数，并用取整后的计数计算比例。",
                    where=roles.grid.cell(row, place),
                )
