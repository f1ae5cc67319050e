"""Finds cells that would run as a formula when a spreadsheet opens the table."""

from collections.abc import Iterator

from sandbox.disclosure.checks.numbers import is_suppressed, number_of
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, blocks
from sandbox.spreadsheet_cells import QUOTES, begins_like_formula


def formulas(subject: Subject) -> Iterator[Finding]:
    """Cells that begin with =, +, - or @ (also full-width, also after quotes) and are no number (OWASP,
    CSV injection)."""
    if subject.opened.kind not in (Kind.CSV, Kind.PARQUET):
        return
    for grid in subject.opened.grids:
        for piece in grid.pieces():
            if (
                begins_like_formula(piece.text, skipped=QUOTES)
                and number_of(piece.text) is None
                and not is_suppressed(piece.text)
            ):
                yield blocks(
                    "formula",
                    "hidden_content",
                    "A cell begins like a formula, which a spreadsheet would run.",
                    "Write a letter or a space of words before it, or take the sign away.",
                    "单元格以公式符号开头，电子表格会执行它。",
                    "请去掉开头的符号或改写。",
                    where=piece.where,
                )
                return
