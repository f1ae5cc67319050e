"""Reads the rows that a recipe is computed on: its expressions, computed by DuckDB from SQL that the vault
wrote."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from cihu.recipes import AUTHORS
from cihu.recipes.rules import Withheld

UNIT = " unit"
"""No label of a recipe can be called so: labels have no spaces."""
PLACE = " place"
"""A row's place in its dataset: no column of a policy has a space."""


class Source:
    """The inputs of a run, by dataset."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, recipe: Mapping[str, Any], expressions: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
        """A column UNIT (codes from 0) and one for each expression, of the rows that the recipe chooses.
        Numbers and conditions are floats, empty ones NaN; others are objects, empty ones None."""
        connection = duckdb.connect(config={"threads": 2})
        path = str(self.folder / f"{recipe['dataset']}.parquet")
        connection.execute(
            f'CREATE TABLE rows AS SELECT *, row_number() OVER () - 1 AS "{PLACE}" FROM read_parquet($1)',
            [path],
        )
        connection.execute("SET enable_external_access = false")
        columns = [f'r."{recipe["unit"]}" AS unit', f'r."{PLACE}" AS place']
        authors = {name: said["author"] for name, said in expressions.items() if "author" in said}
        columns += [
            f"{_typed(said)} AS c{number}"
            for number, (name, said) in enumerate(expressions.items())
            if name not in authors
        ]
        table = connection.execute(
            f"SELECT {', '.join(columns)} FROM rows AS r WHERE {recipe['where']} ORDER BY place"
        ).df()
        connection.close()
        found = pd.DataFrame({UNIT: pd.factorize(table["unit"])[0]})
        for number, (name, said) in enumerate(expressions.items()):
            if name in authors:
                found[name] = self._author(authors[name]).reindex(table["place"]).to_numpy()
            else:
                values = table[f"c{number}"]
                found[name] = _finite(values) if _numeric(said) else values.astype(object)
        return found

    def _author(self, name: str) -> "pd.Series[float]":
        path = self.folder / f"{AUTHORS}{name}.parquet"
        if not path.is_file():
            raise Withheld(f"the program left no column {name!r}")
        return _finite(pd.read_parquet(path)["value"])


def _finite(values: "pd.Series[Any]") -> "pd.Series[float]":
    """What overflowed is empty: it is no number to compute with."""
    return values.astype(float).replace([float("inf"), float("-inf")], float("nan"))


def _numeric(said: Mapping[str, Any]) -> bool:
    return said.get("type") in ("integer", "number", "boolean")


def _typed(said: Mapping[str, Any]) -> str:
    if said.get("type") in ("date", "timestamp"):
        return f"CAST({said['sql']} AS VARCHAR)"
    return f"CAST({said['sql']} AS DOUBLE)" if _numeric(said) else f"({said['sql']})"


def labels_of(values: "pd.Series[Any]", said: Mapping[str, Any]) -> "pd.Series[Any]":
    """A key's values as they are written in a table; None for empty ones."""
    if said["type"] == "boolean":
        return values.map(lambda value: None if pd.isna(value) else "true" if value else "false")
    if _numeric(said):
        return values.map(lambda value: None if pd.isna(value) else number_label(value))
    return values.map(lambda value: None if pd.isna(value) else str(value))


def number_label(value: float) -> str:
    """Without a sign before zero, in as many digits as tell it from every other number."""
    return repr(float(value) + 0.0).removesuffix(".0")


def public_labels(said: Mapping[str, Any]) -> list[str] | None:
    """A key's public values, written likewise; None where they are not public."""
    if said["values"] is None:
        return None
    return [
        str(value).lower()
        if isinstance(value, bool)
        else number_label(value)
        if _numeric(said)
        else str(value)
        for value in said["values"]
    ]
