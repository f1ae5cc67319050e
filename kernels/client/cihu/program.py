"""A program's surroundings, wherever it runs: its inputs and its outbox, by the same names in a notebook and
in a sealed run.

    cihu.inputs["health.visits"]        the rows, a DataFrame with the dtypes that the policy gives
    cihu.inputs.path("health.visits")   the same as a Parquet file, for DuckDB and others
    cihu.outbox / "table.csv"           files written here may be released, once people have looked at them

    cihu.models.path("high-cost@1")     a model of the library that the run named, as its file
    cihu.models.card("high-cost@1")     its card, as the library shows it

In a sealed run the rows are real. In a notebook they are the dataset's stand-in: invented, and they say so.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.messages import say
from cihu.problem import CihuError
from cihu.rows import read_rows
from cihu.stand_in_frame import unreal

ANSWERS = "entry_trial.json"  # what an entry predicted for invented people, beside what is so
MODELS = "CIHU_MODELS"
CARD = "card.json"
INPUTS, OUTBOX, INTERFACE, RECIPES = "CIHU_INPUTS", "CIHU_OUTBOX", "CIHU_INTERFACE", "CIHU_RECIPES"


def notebook_folder() -> Path:
    """Where a notebook keeps what a sealed run would be given, and what the last trial left."""
    return Path.home() / "sealed"


class Inputs:
    """The datasets of a program, by name.
    In a notebook any that there is: its stand-in is fetched when it is first needed."""

    def __getitem__(self, name: str) -> pd.DataFrame:
        body = self.path(name).read_bytes()
        rows = read_rows(body)
        return unreal(body) if "stand_in" in rows.attrs["cihu"] else rows

    def path(self, name: str) -> Path:
        """Its Parquet file. Raises `CihuError` for one that the run did not name as its input."""
        given = os.environ.get(INPUTS)
        if given is None:
            from cihu.stand_in import fetch_stand_in  # only a notebook has a vault to fetch from

            return fetch_stand_in(name, notebook_folder() / "inputs")
        found = Path(given) / f"{name}.parquet"
        if name not in list(self):
            raise CihuError(
                say("not_an_input", name=name, names=", ".join(self) or say("none")),
                code="not_an_input",
                remedy=say("not_an_input_mend"),
            )
        return found

    def __iter__(self) -> Iterator[str]:
        """The names of the inputs that are there."""
        folder = Path(os.environ.get(INPUTS) or notebook_folder() / "inputs")
        return iter(sorted(path.name.removesuffix(".parquet") for path in folder.glob("*.parquet")))

    def __repr__(self) -> str:
        return f"cihu.inputs: {', '.join(self) or say('none')}"


class Models:
    """The library's models that a run named, as name@version. In a notebook any of your team's: it is fetched
    when it is first needed."""

    def path(self, name: str) -> Path:
        """Its file, such as .safetensors. Raises `CihuError` for one that the run did not name."""
        return next(one for one in sorted(self._folder(name).iterdir()) if one.name != CARD)

    def card(self, name: str) -> dict[str, Any]:
        """What the library says of it: card, columns, predicts, privacy, lineage."""
        card: dict[str, Any] = json.loads((self._folder(name) / CARD).read_text("utf-8"))
        return card

    def _folder(self, name: str) -> Path:
        given = os.environ.get(MODELS)
        if given is None:
            from cihu.library_model import fetch_model  # only a notebook has a vault to fetch from

            return fetch_model(name, notebook_folder() / "models")
        if name not in list(self):
            raise CihuError(
                say("not_a_model", name=name, names=", ".join(self) or say("none")),
                code="not_a_model",
                remedy=say("not_a_model_remedy"),
            )
        return Path(given) / name

    def __iter__(self) -> Iterator[str]:
        """The names of those that are there."""
        folder = Path(os.environ.get(MODELS) or notebook_folder() / "models")
        return iter(sorted(path.name for path in folder.glob("*@*")))

    def __repr__(self) -> str:
        return f"cihu.models: {', '.join(self) or say('none')}"


def outbox() -> Path:
    """The folder of what may leave; made if this is a notebook."""
    given = os.environ.get(OUTBOX)
    folder = Path(given) if given else notebook_folder() / "outbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
