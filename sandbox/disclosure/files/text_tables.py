"""Reads the tables in a text: Markdown's, and columns set apart by two or more spaces or by tabs."""

import re
from collections.abc import Iterator

from sandbox.disclosure.files.opened import Grid

GAP = re.compile(r"\s{2,}|\t")
RULE = re.compile(r"^[\s|:+=-]+$")
ENOUGH_LINES = 2


def read_text_tables(text: str) -> Iterator[Grid]:
    """Runs of lines with the same number of cells, two or more; the first is the header."""
    run: list[list[str]] = []
    start = 0
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if RULE.match(line) and line.strip():
            continue
        cells = _cells(line)
        if len(cells) > 1 and run and len(cells) in (len(run[0]), len(run[0]) + 1 if len(run) == 1 else -1):
            if len(cells) > len(run[0]):  # pandas prints no name above the index
                run[0].insert(0, "")
            run.append(cells)
            continue
        if len(run) >= ENOUGH_LINES:
            yield _grid(run, start)
        run, start = ([cells], number) if len(cells) > 1 else ([], number)


def _cells(line: str) -> list[str]:
    line = line.strip()
    if not line:
        return []
    if line.count("|") > 1 or (line.startswith("|") and line.endswith("|")):
        return [cell.strip() for cell in line.strip("|").split("|")]
    return [cell.strip() for cell in GAP.split(line)]


def _grid(run: list[list[str]], line: int) -> Grid:
    return Grid(f"line {line}", tuple(run[0]), tuple(tuple(row) for row in run[1:]))
