"""Requires enough degrees of freedom of a model or a test, read from tables, JSON and printed summaries."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from sandbox.disclosure.checks.column_roles import folded
from sandbox.disclosure.checks.numbers import number_of, plain
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.finding import Finding, blocks

FREEDOM = re.compile(
    r"d\.?f\.?|dof|df[_ .-]?resid(uals?)?|resid(ual)?[_ .-]?df|degrees[_ ]of[_ ]freedom([_"
    r" ]resid(uals?)?)?|(残差)?自由度|df[_ ]?denom|"
    r"ddof_resid|df[_ ]?error|denominator[_ ]df",
    re.IGNORECASE,
)
OBSERVATIONS = re.compile(
    r"n|nobs|n[_ ]?obs|observations|no\.?[_ ]observations|number[_ ]of[_ ]observations|"
    r"样本量|样本数|观测数|人数|个体数",
    re.IGNORECASE,
)
RESIDUAL = re.compile(r"resid(?:uals?)?|error|within(?: groups)?|残差|误差|组内", re.IGNORECASE)
IN_TEXT = re.compile(
    r"(?:df[ _]resid(?:uals?)?|resid(?:ual)?[ _]df|residual degrees of freedom|degrees of "
    r"freedom|自由度)\s*[:=为]\s*(\d+)|on (\d+) (?:residual )?degrees of freedom|\bdf\s*=\s*(\d+)",
    re.IGNORECASE,
)
OBSERVATIONS_IN_TEXT = re.compile(
    r"(?:no\. observations|nobs|number of obs(?:ervations)?|样本量)\s*[:=为]\s*(\d+)", re.IGNORECASE
)


def degrees_of_freedom(subject: Subject) -> Iterator[Finding]:
    """As `found_freedom`, and a model that says nothing of them is not judged."""
    if not any(
        True
        for _ in (*said_of(subject, FREEDOM, IN_TEXT), *said_of(subject, OBSERVATIONS, OBSERVATIONS_IN_TEXT))
    ):
        yield blocks(
            "no_degrees_of_freedom",
            "unexplained",
            "It is not known on how many units and degrees of freedom the result stands.",
            "Write the number of observations and the residual degrees of freedom (`nobs`, "
            "`df_resid`) beside the results, or `df` in the supporting counts.",
            "不知道结果基于多少观测和自由度。",
            "请在结果旁写明观测数和残差自由度（nobs、df_resid），或在支撑计数中给出 df。",
        )


def found_freedom(subject: Subject) -> Iterator[Finding]:
    """Wherever degrees of freedom or observations are stated, they must be enough."""
    least = subject.thresholds.degrees_of_freedom
    for where, value in said_of(subject, FREEDOM, IN_TEXT):
        if value < least and not _is_one_sided(subject):
            yield blocks(
                "degrees_of_freedom",
                "small_group",
                f"Only {plain(value)} degrees of freedom are left; the least is {least}.",
                "Use more units or fewer parameters.",
                f"仅剩 {plain(value)} 个自由度，最少为 {least}。",
                "请增加个体或减少参数。",
                where=where,
            )
    for where, value in said_of(subject, OBSERVATIONS, OBSERVATIONS_IN_TEXT):
        if 0 < value < subject.thresholds.minimum_count and subject.statbarn.id in ("regression", "tests"):
            yield blocks(
                "small_count",
                "small_group",
                f"The result stands on only {plain(value)} units; the least is "
                f"{subject.thresholds.minimum_count}.",
                "Use more units.",
                f"结果仅基于 {plain(value)} 个个体，最少为 {subject.thresholds.minimum_count}。",
                "请增加个体。",
                where=where,
            )


def _is_one_sided(subject: Subject) -> bool:
    """A chi-squared test's degrees of freedom are of its table, not of its units."""
    return subject.declared.statbarn in ("chi_squared", "fisher_exact")


def said_of(
    subject: Subject, name: re.Pattern[str], in_text: re.Pattern[str]
) -> Iterator[tuple[str, Fraction]]:
    for roles in (*subject.tables, *([subject.supporting] if subject.supporting else [])):
        for place, header in enumerate(roles.grid.header):
            if name.fullmatch(header.strip()):
                rest = {
                    row
                    for row, cells in enumerate(roles.grid.rows)
                    if any(RESIDUAL.fullmatch(folded(cell)) for cell in cells)
                }
                for row, value in enumerate(roles.numbers[place]):
                    # of an analysis of variance, the residual's
                    if value is not None and (row in rest or not rest):
                        yield roles.grid.cell(row, place), value
        for row, cells in enumerate(roles.grid.rows):  # names in one column, values in the next
            for label, cell in pairwise(cells):
                value = number_of(cell)
                if (
                    value is not None
                    and number_of(label) is None
                    and name.fullmatch(folded(label).rstrip(":"))
                ):
                    yield roles.grid.cell(row, 0), value
    for piece in subject.opened.texts:
        for match in in_text.finditer(piece.text):
            yield piece.where, Fraction(next(group for group in match.groups() if group))
