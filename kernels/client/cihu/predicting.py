"""Calls a predictor: its `predict(rows)` on the rows of its one input.
What it returns is checked, and left as Parquet.

    python -m cihu.predicting predictor.py

Run by a trial here and by a sealed run there, with CIHU_INTERFACE (JSON: columns, predicts) beside what any
program finds. In a sealed run the vault checks what was left once more: a program could write anything.
"""

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cihu.messages import say
from cihu.problem import CihuError
from cihu.program import INTERFACE, Inputs, outbox

OUTPUT = "predictions.parquet"
DTYPES = {"number": "float64", "probability": "float64", "integer": "int64", "boolean": "bool", "text": "str"}
LONGEST_TEXT = 100  # characters of a predicted text: the vault checks them


def main(entry: str) -> None:
    interface = json.loads(os.environ[INTERFACE])
    inputs = Inputs()
    rows = inputs[next(iter(inputs))][interface["columns"]]
    try:
        frame = predictions(load(Path(entry)).predict(rows), interface["predicts"], len(rows))
    except CihuError as fault:
        sys.exit(str(fault))
    write(frame, interface["predicts"], outbox() / OUTPUT)
    print(say("predicted", rows=len(frame), names=", ".join(frame.columns)))


def load(path: Path) -> Any:
    """The predictor as a module; its own folder is where it imports from."""
    sys.path.insert(0, str(path.parent))
    found = importlib.util.spec_from_file_location("predictor", path)
    assert found is not None and found.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(found)
    sys.modules["predictor"] = module
    found.loader.exec_module(module)
    if not callable(getattr(module, "predict", None)):
        raise CihuError(
            say("no_predict", path=path.name), code="bad_predictor", remedy=say("no_predict_remedy")
        )
    return module


def predictions(made: Any, predicts: Mapping[str, Any], rows: int) -> pd.DataFrame:
    """What was returned as the declared columns, in the order of the rows. Raises `CihuError`."""
    if isinstance(made, pd.DataFrame):
        if sorted(map(str, made.columns)) != sorted(predicts):
            raise wrong(say("wrong_columns", got=", ".join(map(str, made.columns)), want=", ".join(predicts)))
        frame = pd.DataFrame({name: made[name].to_numpy() for name in predicts})
    elif (
        len(predicts) == 1
        and getattr(made, "ndim", 1) == 1
        and hasattr(made, "__len__")
        and not isinstance(made, (str, bytes))
    ):
        frame = pd.DataFrame({next(iter(predicts)): list(made)})
    else:
        raise wrong(say("wrong_return", got=type(made).__name__))
    if len(frame) != rows:
        raise wrong(say("wrong_rows", got=len(frame), want=rows))
    return pd.DataFrame({name: typed(frame[name], name, kind) for name, kind in sorted(predicts.items())})


def typed(column: pd.Series, name: str, kind: Any) -> pd.Series:
    """The column with the declared type. Raises `CihuError` for a value that is not of it."""
    if column.isna().any():
        raise wrong(say("wrong_empty", name=name))
    if isinstance(kind, list):
        if strange := sorted({str(value) for value in column if value not in kind}):
            raise wrong(
                say("wrong_value", name=name, value=strange[0][:60], kind=", ".join(map(str, kind[:20])))
            )
        return as_type(column, "str" if isinstance(kind[0], str) else "int64")
    try:
        same = as_type(column, DTYPES[kind])
        odd = column[
            (same.to_numpy() != column.to_numpy()) if kind in ("integer", "boolean") else column.isna()
        ]
        if kind in ("number", "probability"):
            least, most = (0.0, 1.0) if kind == "probability" else (-sys.float_info.max, sys.float_info.max)
            odd = column[~same.between(least, most)]
    except (ValueError, TypeError, OverflowError):
        odd = column
    if len(odd):
        raise wrong(say("wrong_value", name=name, value=str(odd.iloc[0])[:60], kind=kind))
    return same


def as_type(column: pd.Series, dtype: str) -> pd.Series:
    made: pd.Series = column.to_frame("one").astype({"one": dtype})["one"]
    return made


def arrow_type(kind: Any) -> Any:
    """The type in which values of a declared kind are written, as pyarrow has it."""
    import pyarrow as pa

    written = {"float64": pa.float64(), "int64": pa.int64(), "bool": pa.bool_(), "str": pa.string()}
    if isinstance(kind, list):
        return written["str" if isinstance(kind[0], str) else "int64"]
    return written[DTYPES[kind]]


def write(frame: pd.DataFrame, predicts: Mapping[str, Any], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    columns = {name: pa.array(frame[name].tolist(), arrow_type(predicts[name])) for name in frame.columns}
    pyarrow.parquet.write_table(pa.table(columns), path)


def wrong(why: str) -> CihuError:
    return CihuError(why, code="bad_predictions", remedy=say("predictions_remedy"))


if __name__ == "__main__":
    main(*sys.argv[1:])
