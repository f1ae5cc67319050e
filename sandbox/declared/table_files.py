"""Writes the files that a declared query leaves in quarantine: table.csv, which may be requested, and
counts.csv, which is never released.

table.csv: the keys, then the rounded numbers, `suppressed` where one is not shown, and in the last
column what was done. counts.csv: for reviewers, the fewest units behind the numbers that a row shows,
and these numbers exactly.
"""

import csv
import io

from sandbox.declared.rules import CellRules
from sandbox.declared.table import Table

TABLE, COUNTS = "table.csv", "counts.csv"
SUPPRESSED = "suppressed"


def table_files(table: Table, rules: CellRules) -> dict[str, bytes]:
    counts, units = table.behind.counts(), table.behind.units_behind()
    shown = range(table.behind.measures)
    rows, supporting = [], []
    base = rules.rounding_base
    for cell in range(table.behind.cells):
        labels = [table.keys[key].values[place] for key, place in table.fixed(cell)]
        told = [bool(table.shown[cell, measure]) for measure in shown]
        numbers = [int(counts[cell, measure]) for measure in shown]
        done = SUPPRESSED if not all(told) else f"rounded to {base}" if base > 1 else "exact"
        rows.append(
            [
                *labels,
                *(
                    str(rules.rounded(number)) if open else SUPPRESSED
                    for number, open in zip(numbers, told, strict=True)
                ),
                done,
            ]
        )
        behind = min((int(units[cell, measure]) for measure in shown if told[measure]), default=None)
        supporting.append(
            [
                *labels,
                SUPPRESSED if behind is None else str(behind),
                *(str(number) if open else SUPPRESSED for number, open in zip(numbers, told, strict=True)),
            ]
        )
    keys = [key.name for key in table.keys]
    return {
        TABLE: _csv([*keys, *table.measures, "protection"], rows),
        COUNTS: _csv([*keys, "n", *(f"exact_{name}" for name in table.measures)], supporting),
    }


def _csv(header: list[str], rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()
