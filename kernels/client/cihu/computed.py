"""Computes recipes on stand-in rows, and shows what they leave and what would be suppressed.

The vault reads the recipes and plans them by the rules of the data's grade. The plan is carried out by
`cihu.recipes` in a process of its own, as in a sealed run.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.messages import say
from cihu.problem import CihuError
from cihu.program import INPUTS, OUTBOX, notebook_folder
from cihu.recipes import AUTHORS
from cihu.recipes.rules import SUPPRESSED
from cihu.show import foot, page, table, text_table
from cihu.stand_in import fetch_stand_in
from cihu.vault import the_vault

FOLDER, REPORT, NOTED, PREPARED = "measured", "report.json", "recipes.json", "prepared.json"
COLUMNS = "columns"
MOST_SHOWN = 40


class Computed:
    """An output of the vault's: as it is on stand-in rows, or, in a program, its name alone.
    `.table` is the table that would leave."""

    def __init__(
        self,
        name: str,
        *,
        files: Mapping[str, bytes] | None = None,
        why: str = "",
        context: str = "",
    ) -> None:
        self.name, self.files, self.why, self.context = name, dict(files or {}), why, context

    @property
    def table(self) -> pd.DataFrame:
        """Raises `CihuError` for an output that is no table."""
        for path, content in self.files.items():
            if path.endswith(".csv") and not path.endswith(".counts.csv"):
                return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        raise CihuError(say("no_table", name=self.name), code="no_table")

    def _lines(self) -> list[str]:
        if self.why:
            return [say("recipe_withheld", name=self.name, why=self.why)]
        if not self.files:
            return [say("recipe_noted", name=self.name)]
        hidden = int((self.table == SUPPRESSED).to_numpy().sum()) if self._has_table() else 0
        lines = [say("recipe_on_stand_in", name=self.name), self.context]
        return [*lines, say("recipe_suppressed", number=hidden)] if hidden else lines

    def _has_table(self) -> bool:
        return any(path.endswith(".csv") and not path.endswith(".counts.csv") for path in self.files)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        shown = self.table.head(MOST_SHOWN)
        return list(map(str, shown.columns)), [list(map(str, row)) for row in shown.to_numpy()]

    def _repr_html_(self) -> str:
        lines = self._lines()
        parts = [f"<strong>{escape(lines[0])}</strong>", *[foot(line) for line in lines[1:]]]
        if self._has_table():
            heads, rows = self._cells()
            parts.append(table(heads, [[escape(cell) for cell in row] for row in rows]))
        for path, content in self.files.items():
            if path.endswith(".png"):
                drawn = b64encode(content).decode()
                parts.append(f'<img alt="{escape(self.name)}" src="data:image/png;base64,{drawn}">')
        return page(*parts)

    def __repr__(self) -> str:
        lines = self._lines()
        return "\n".join([*lines, text_table(*self._cells())] if self._has_table() else lines)


def compute(recipe: Mapping[str, Any]) -> Computed:
    """The output of one recipe on stand-in rows; of a chart, with the table that it draws, which was made in
    this notebook before. Raises `CihuError` as the vault refuses."""
    made = _remembered()
    made[str(recipe["name"])] = dict(recipe)
    wanted = [dict(recipe)]
    if recipe["kind"] == "chart" and recipe["of"] in made:
        wanted.insert(0, made[str(recipe["of"])])
    inputs = sorted({str(one["dataset"]) for one in wanted if "dataset" in one})
    if not inputs:
        return Computed(str(recipe["name"]))
    folder = notebook_folder() / "preview"
    shutil.rmtree(folder, ignore_errors=True)
    prepared = prepare(wanted, inputs)
    for name in inputs:
        fetch_stand_in(name, notebook_folder() / "inputs")
    report = carry_out(prepared["plan"], folder, inputs, notebook_folder() / "outbox" / COLUMNS)
    _remember(made)
    name = str(recipe["name"])
    own = next(one for one in prepared["outputs"] if Path(one["path"]).stem == name)
    files = {path.name: path.read_bytes() for path in sorted(folder.glob(f"{name}.*")) if path.is_file()}
    return Computed(name, files=files, why=report.get(name, ""), context=str(own["context"]))


def prepare(recipes: Sequence[Mapping[str, Any]], inputs: Sequence[str]) -> dict[str, Any]:
    """The vault's plan, and the outputs as they are declared. Raises `CihuError`."""
    body = {"inputs": list(inputs), "recipes": [dict(recipe) for recipe in recipes]}
    return dict(the_vault().post("/v1/recipes", body))


def carry_out(plan: Mapping[str, Any], folder: Path, inputs: Sequence[str], columns: Path) -> dict[str, str]:
    """Compute the plan on stand-in rows into `folder`.
    Returns what came of each recipe: "", or why it left nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    given = folder.with_name("given")
    shutil.rmtree(given, ignore_errors=True)
    given.mkdir(parents=True)
    for name in inputs:
        shutil.copyfile(notebook_folder() / "inputs" / f"{name}.parquet", given / f"{name}.parquet")
    for path in sorted(columns.glob("*.parquet")) if columns.is_dir() else ():
        shutil.copyfile(path, given / f"{AUTHORS}{path.name}")
    (given / "plan.json").write_text(json.dumps(plan, ensure_ascii=False), "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "cihu.recipes", str(given / "plan.json")],
        env={**os.environ, INPUTS: str(given), OUTBOX: str(folder), "MPLBACKEND": "agg"},
        cwd=Path.home(),
        capture_output=True,
        text=True,
        check=False,
    )
    report = folder / REPORT
    if ended.returncode or not report.is_file():
        raise CihuError(
            say("recipes_failed", why=ended.stderr.strip().rpartition("\n")[2][:200]), code="recipes_failed"
        )
    found = dict(json.loads(report.read_text("utf-8")))
    report.unlink()
    return found


def _remembered() -> dict[str, dict[str, Any]]:
    path = notebook_folder() / "previewed.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}


def _remember(made: Mapping[str, Any]) -> None:
    notebook_folder().mkdir(parents=True, exist_ok=True)
    (notebook_folder() / "previewed.json").write_text(json.dumps(made, ensure_ascii=False), "utf-8")


def compute_trial(inputs: Sequence[str]) -> dict[str, str] | None:
    """What the recipes leave that the last trial noted, into its outbox; None if it noted none.
    Raises `CihuError` as the vault refuses."""
    folder = notebook_folder()
    noted = folder / NOTED
    (folder / PREPARED).unlink(missing_ok=True)
    if not noted.is_file():
        return None
    recipes = json.loads(noted.read_text("utf-8"))
    prepared = prepare(recipes, inputs)
    report = carry_out(prepared["plan"], folder / "outbox" / FOLDER, inputs, folder / "outbox" / COLUMNS)
    kept = {"recipes": json.dumps(recipes, ensure_ascii=False), "outputs": prepared["outputs"]}
    (folder / PREPARED).write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
    return report


def prepared_trial() -> dict[str, Any]:
    """`recipes` (the text that is submitted) and `outputs` (as they are declared) of the last trial; {}
    where it noted none."""
    path = notebook_folder() / PREPARED
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}
