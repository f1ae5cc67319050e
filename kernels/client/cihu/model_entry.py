"""Predicts by a model that is data: an entry of a competition without a program of its own.

    .skops         an estimator of scikit-learn: `predict`, and for a probability `predict_proba`
    .safetensors   a linear model: `coefficients` (one for each column) and `intercept`; a probability is its
                   logistic function, a truth value whether it is above 0

Nothing of a team's is executed. Of a .skops file only types are loaded that skops trusts by itself.
"""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cihu.messages import say
from cihu.problem import CihuError


def predict_with(model: str, kind: Any, folder: str) -> Any:
    """A `predict(rows)` by the model of that name in a folder. `kind`: what is predicted."""
    path = Path(folder).parent / model

    def predict(rows: pd.DataFrame) -> Any:
        return linear(path, rows, kind) if path.suffix == ".safetensors" else estimator(path, rows, kind)

    return predict


@lru_cache(maxsize=8)
def loaded(path: Path) -> Any:
    """A model file, read once: by the process that forks those of people, which holds no row."""
    # by their names: the client's own checks know no package of models
    if path.suffix == ".safetensors":
        return import_module("safetensors.numpy").load_file(path)
    return import_module("skops.io").load(path, trusted=[])


def linear(path: Path, rows: pd.DataFrame, kind: Any) -> Any:
    arrays = loaded(path)
    return linear_predictions(arrays["coefficients"], float(arrays["intercept"].ravel()[0]), rows, kind)


def linear_predictions(coefficients: Any, intercept: float, rows: pd.DataFrame, kind: Any) -> Any:
    """Added up in the order of the columns, as the vault does itself (competitions/entries/linear.py)."""
    score = np.zeros(len(rows))
    with np.errstate(all="ignore"):
        for name, coefficient in zip(rows.columns, coefficients, strict=True):
            score = score + float(coefficient) * rows[name].to_numpy(dtype="float64", na_value=np.nan)
        score = score + intercept
        said = 1 / (1 + np.exp(-score)) if kind == "probability" else score
    if kind != "boolean" or not np.isfinite(score).all():
        return said  # where a value is missing: no truth value, so no prediction
    return score > 0


def estimator(path: Path, rows: pd.DataFrame, kind: Any) -> Any:
    fitted = loaded(path)
    if kind != "probability":
        return fitted.predict(rows)
    found = fitted.predict_proba(rows)
    if found.shape[1] != 2:
        raise CihuError(say("wrong_return", got=f"{found.shape[1]} classes"), code="bad_predictions")
    return found[:, 1]
