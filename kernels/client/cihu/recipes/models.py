"""Trains models whose leaves and numbers stand on enough units, and measures their losses for the vault's
membership test."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cihu.recipes.result import Result
from cihu.recipes.rows import Source
from cihu.recipes.rules import Rules, Withheld

SEED = 20_190_709
MOST_LOSSES = 4000
MEMBERS = 0.5


def model(recipe: Mapping[str, Any], rules: Rules, source: Source) -> Result:
    """Trained on half of the units, drawn by a fixed seed: the others show what it remembers."""
    from skops.io import dumps  # with scikit-learn: takes a second

    parts = {f"x {name}": said for name, said in recipe["features"].items()}
    rows = source.rows(recipe, {"target": recipe["target"], **parts}).dropna()
    units = int(rows["unit"].nunique())
    if units < 4 * max(rules.minimum_count, 1):
        raise Withheld("too few units to train on")
    chosen = np.random.default_rng(SEED).permutation(units) < units * MEMBERS
    member = chosen[pd.factorize(rows["unit"])[0]]
    x = rows[list(parts)].to_numpy(dtype=float)
    target = rows["target"].to_numpy(dtype=float)
    classes = bool(np.isin(target, (0.0, 1.0)).all())
    trained_on = int(rows["unit"][member].nunique())
    most_rows = int(rows["unit"].value_counts().max())
    estimator = _estimator(recipe["model"], rules, units=trained_on, most_rows=most_rows, classes=classes)
    estimator.fit(x[member], target[member].astype(int) if classes else target[member])
    losses = _losses(estimator, x, target, classes=classes)
    first = rows.assign(loss=losses, member=member.astype(int)).groupby("unit")[["member", "loss"]].first()
    some = first.sample(min(len(first), MOST_LOSSES), random_state=SEED)
    counts = pd.DataFrame({"member": some["member"], "loss": some["loss"].round(6), "n": trained_on})
    return Result(None, counts, {".skops": dumps(estimator)})


def _estimator(kind: str, rules: Rules, *, units: int, most_rows: int, classes: bool) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if kind == "linear":
        return make_pipeline(StandardScaler(), LinearRegression())
    if kind == "logistic":
        if not classes:
            raise Withheld("a logistic model needs a target of 0 and 1")
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    # a leaf counts rows: with this many there are enough units behind it, however many rows each has
    leaf = max(rules.minimum_count, 1) * most_rows
    numbers = units // max(rules.units_per_parameter, 1)
    leaves = max(2, numbers // 12)
    if kind == "tree":
        tree = DecisionTreeClassifier if classes else DecisionTreeRegressor
        return tree(min_samples_leaf=leaf, max_leaf_nodes=leaves, random_state=SEED)
    trees = max(1, min(10, leaves // 8))
    forest = RandomForestClassifier if classes else RandomForestRegressor
    return forest(
        n_estimators=trees,
        min_samples_leaf=leaf,
        max_leaf_nodes=max(2, leaves // trees),
        bootstrap=False,
        max_features="sqrt",
        random_state=SEED,
    )


def _losses(estimator: Any, x: npt.NDArray[Any], target: npt.NDArray[Any], *, classes: bool) -> Any:
    if classes and hasattr(estimator, "predict_proba"):
        right = estimator.predict_proba(x)[np.arange(len(target)), target.astype(int)]
        return -np.log(np.clip(right, 1e-12, None))
    return (estimator.predict(x) - target) ** 2
