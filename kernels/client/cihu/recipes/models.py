"""Trains models that no unit decides, and measures their losses for the vault's membership test.

A model leaves with coefficients of as many digits as a table has. It keeps nothing else of its rows: no
number of rows, no mean of a scaler. A tree (trees.py) keeps the rounded counts of its leaves.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cihu.recipes.regression import require_shared
from cihu.recipes.result import Result
from cihu.recipes.rows import UNIT, Source
from cihu.recipes.rules import Rules, Withheld, significant
from cihu.recipes.trees import tree

SEED = 20_190_709
MOST_LOSSES = 4000
MEMBERS = 0.5


def model(recipe: Mapping[str, Any], rules: Rules, source: Source) -> Result:
    """Trained on half of the units, drawn by a fixed seed: the others show what it remembers."""
    from skops.io import dumps  # with scikit-learn: takes a second

    parts = {f"x {name}": said for name, said in recipe["features"].items()}
    rows = source.rows(recipe, {" target": recipe["target"], **parts}).dropna()
    units = int(rows[UNIT].nunique())
    if units < 4 * max(rules.minimum_count, 1) or units < 2 * rules.units_per_parameter * (len(parts) + 1):
        raise Withheld("too few units to train on")
    if recipe["model"] == "tree":  # a leaf stands on units: one row of each
        rows = rows.groupby(UNIT, as_index=False).first()
    chosen = np.random.default_rng(SEED).permutation(units) < units * MEMBERS
    member = chosen[pd.factorize(rows[UNIT])[0]]
    x = rows[list(parts)].to_numpy(dtype=float)
    target = rows[" target"].to_numpy(dtype=float)
    if rules.alike(rows[" target"][member], rows[UNIT][member]):
        raise Withheld("all but few units have the same target")
    trained_on = int(rows[UNIT][member].nunique())
    if recipe["model"] == "tree":
        estimator = tree(x[member], target[member], rules)
    else:
        estimator = _trained(recipe["model"], x[member], target[member], trained_on)
        _require_shared(estimator, x[member], rows[UNIT][member].to_numpy(), rules)
    losses = _losses(estimator, x, target)
    first = rows.assign(loss=losses, member=member.astype(int)).groupby(UNIT)[["member", "loss"]].first()
    some = first.sample(min(len(first), MOST_LOSSES), random_state=SEED)
    counts = pd.DataFrame({"member": some["member"], "loss": some["loss"].round(6), "n": trained_on})
    return Result(None, counts, {".skops": dumps(estimator)})


def _trained(kind: str, x: npt.NDArray[Any], target: npt.NDArray[Any], units: int) -> Any:
    """Trained on scaled features, and written for features as they are."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    centre, scale = x.mean(axis=0), x.std(axis=0)
    if not (scale > 0).all() or not np.isfinite(scale).all():
        raise Withheld("a feature has one value")
    if kind == "logistic":
        if not np.isin(target, (0.0, 1.0)).all():
            raise Withheld("a logistic model needs a target of 0 and 1")
        estimator: Any = LogisticRegression(max_iter=1000).fit((x - centre) / scale, target.astype(int))
        weights, start = estimator.coef_[0] / scale, float(estimator.intercept_[0])
    else:
        estimator = LinearRegression().fit((x - centre) / scale, target)
        weights, start = estimator.coef_ / scale, float(estimator.intercept_)
    start -= float(weights @ centre)
    rounded = np.array([significant(float(weight), units) for weight in weights])
    if kind == "logistic":
        estimator.coef_, estimator.intercept_ = rounded[None, :], np.array([significant(start, units)])
        estimator.n_iter_ = np.array([0], dtype=np.int32)
    else:
        estimator.coef_, estimator.intercept_ = rounded, significant(start, units)
        for name in ("rank_", "singular_"):
            if hasattr(estimator, name):
                delattr(estimator, name)
    return estimator


def _require_shared(estimator: Any, x: npt.NDArray[Any], units: npt.NDArray[Any], rules: Rules) -> None:
    design = np.column_stack([np.ones(len(x)), x])
    weights = np.ones(len(x))
    if hasattr(estimator, "predict_proba"):
        chance = estimator.predict_proba(x)[:, 1]
        weights = chance * (1 - chance)
    require_shared(design, weights, units, rules)


def _losses(estimator: Any, x: npt.NDArray[Any], target: npt.NDArray[Any]) -> Any:
    if hasattr(estimator, "predict_proba"):
        right = estimator.predict_proba(x)[np.arange(len(target)), target.astype(int)]
        return -np.log(np.clip(right, 1e-12, None))
    return (estimator.predict(x) - target) ** 2
