"""Carries a plan out: `python -m cihu.recipes plan.json`. See the package."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.program import INPUTS, OUTBOX
from cihu.recipes.charts import chart
from cihu.recipes.curves import curve, survival
from cihu.recipes.models import model
from cihu.recipes.regression import regression
from cihu.recipes.result import Result
from cihu.recipes.rows import Source
from cihu.recipes.rules import Rules, Withheld
from cihu.recipes.tables import crosstab, histogram, means, table

REPORT = "report.json"
KINDS: dict[str, Callable[[Mapping[str, Any], Rules, Source], Result]] = {
    "table": table,
    "means": means,
    "crosstab": crosstab,
    "histogram": histogram,
    "regression": regression,
    "curve": curve,
    "survival": survival,
    "model": model,
}


def main(path: str) -> None:
    plan = json.loads(Path(path).read_text("utf-8"))
    rules, source = Rules.of(plan["rules"]), Source(Path(os.environ[INPUTS]))
    outbox = Path(os.environ[OUTBOX])
    tables: dict[str, pd.DataFrame] = {}
    report: dict[str, str] = {}
    # charts last: they draw the tables of others
    for recipe in sorted(plan["recipes"], key=lambda recipe: recipe["kind"] == "chart"):
        name = recipe["name"]
        try:
            for suffix, content in _files(recipe, rules, source, tables).items():
                (outbox / f"{name}{suffix}").write_bytes(content)
            report[name] = ""
        except Withheld as why:
            report[name] = str(why)
        except Exception as error:  # noqa: BLE001  # one recipe that fails takes no other along; its words could quote a value
            report[name] = f"it could not be computed ({type(error).__name__})"
        (outbox / REPORT).write_text(json.dumps(report, ensure_ascii=False), "utf-8")


def _files(
    recipe: Mapping[str, Any], rules: Rules, source: Source, tables: dict[str, pd.DataFrame]
) -> dict[str, bytes]:
    if recipe["kind"] == "text":
        return {".md": recipe["text"].encode()}
    if recipe["kind"] == "chart":
        if recipe["of"] not in tables:
            raise Withheld(f"the table {recipe['of']!r} that it draws was not made")
        return {".png": chart(recipe, tables[recipe["of"]])}
    result = KINDS[recipe["kind"]](recipe, rules, source)
    files = dict(result.files)
    if result.table is not None:
        tables[recipe["name"]] = result.table
        files[".csv"] = _csv(result.table)
    if result.counts is not None:
        files[".counts.csv"] = _csv(result.counts)
    return files


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, float_format="%.10g", lineterminator="\n").encode()


if __name__ == "__main__":
    main(*sys.argv[1:])
