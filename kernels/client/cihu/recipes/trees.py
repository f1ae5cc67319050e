"""Trains a decision tree whose splits and leaves are no unit's own.

Usually a split lies between the values of two units, and a leaf may say what one unit has. Here features are
cut at multiples of a plain step only, chosen from their range without the units at either end; each leaf has
enough units; what a leaf predicts is rounded, and a share keeps away from 0 and 1 by as many units as must
stand behind a number. Counts of the leaves are rounded, and what is above them follows from them.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cihu.recipes.curves import plain_grid
from cihu.recipes.rules import Rules, Withheld, significant

NUMBERS_OF_A_LEAF = 6
"""Of its own, with its split: what the checks count (sandbox/disclosure/files/skops_tree.py)."""
MOST_LEAVES, DEEPEST = 16, 5
Matrix = npt.NDArray[np.float64]


def tree(x: Matrix, target: Matrix, rules: Rules) -> Any:
    """Of one row a unit. A classifier where the target is 0 and 1. Raises `Withheld`."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    least = max(rules.minimum_count, 2)
    leaves = min(MOST_LEAVES, len(x) // (NUMBERS_OF_A_LEAF * max(rules.units_per_parameter, 1)))
    cuts = [_cuts(x[:, place], least) for place in range(x.shape[1])]
    if leaves < 2 or not any(map(len, cuts)):
        raise Withheld("too few units for two leaves")
    is_share = bool(np.isin(target, (0.0, 1.0)).all())
    kind = DecisionTreeClassifier if is_share else DecisionTreeRegressor
    binned = np.column_stack(
        [np.digitize(x[:, place], steps, right=True) for place, steps in enumerate(cuts)]
    )
    estimator: Any = kind(
        max_leaf_nodes=leaves, max_depth=DEEPEST, min_samples_leaf=2 * least, random_state=0
    )
    estimator.fit(binned, target.astype(int) if is_share else target)
    if estimator.tree_.node_count < 3:
        raise Withheld("no split of enough units tells anything")
    _protect(estimator.tree_, estimator.apply(binned), target, cuts, rules, is_share=is_share)
    return estimator


def _cuts(values: Matrix, least: int) -> Matrix:
    """Multiples of a plain step with enough units on either side."""
    ordered = np.sort(values)
    low, high = ordered[least - 1], ordered[-least]
    if not low < high:
        return np.zeros(0)
    steps = plain_grid(float(high - low))
    step = steps[0]
    found = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    # as a reader of the model compares: floats of 32 bits
    cuts = np.unique(np.round(found, 12)).astype(np.float32).astype(np.float64)
    return np.asarray(cuts[(cuts >= low) & (cuts < high)])


def _protect(
    grown: Any, leaf_of: npt.NDArray[Any], target: Matrix, cuts: list[Matrix], rules: Rules, *, is_share: bool
) -> None:
    """Writes its splits, counts and predictions anew, in place."""
    state = grown.__getstate__()
    nodes, values = state["nodes"], state["values"]
    for place in range(len(nodes)):
        if nodes["left_child"][place] != -1:
            nodes["threshold"][place] = cuts[nodes["feature"][place]][int(nodes["threshold"][place])]
            continue
        own = target[leaf_of == place]
        nodes["n_node_samples"][place] = max(rules.rounded(len(own)), 1)
        nodes["impurity"][place] = 0.0
        values[place, 0] = _shares(own, rules) if is_share else _mean(own, rules)
    for place in range(len(nodes) - 1, -1, -1):
        left, right = nodes["left_child"][place], nodes["right_child"][place]
        if left != -1:
            many = nodes["n_node_samples"][[left, right]]
            part = many[0] / many.sum()
            nodes["n_node_samples"][place] = many.sum()
            values[place] = part * values[left] + (1 - part) * values[right]
            apart = float(part * (1 - part) * (values[left, 0, 0] - values[right, 0, 0]) ** 2)
            within = part * nodes["impurity"][left] + (1 - part) * nodes["impurity"][right]
            nodes["impurity"][place] = within + apart
    nodes["weighted_n_node_samples"] = nodes["n_node_samples"]
    if is_share:
        nodes["impurity"] = 1 - (values[:, 0] ** 2).sum(axis=1)
    state["nodes"], state["values"] = nodes, values
    grown.__setstate__(state)


def _shares(own: Matrix, rules: Rules) -> list[float]:
    """Of 0 and of 1: not so near to either that few units have the other. In steps of one in the rounded
    count, which the leaf shows: a share of the exact count would tell that count."""
    many = max(rules.rounded(len(own)), 1)
    edge = min(max(rules.minimum_count, 1), many // 2)
    cases = int(np.clip(np.rint(own.mean() * many), edge, many - edge))
    share = significant(cases / many, many)
    return [1 - share, share]


def _mean(own: Matrix, rules: Rules) -> float:
    units = pd.Series(np.arange(len(own)))
    if rules.alike(pd.Series(own), units) or rules.dominated(pd.Series(own)):
        raise Withheld("what a leaf predicts would be that of few units")
    return significant(float(own.mean()), len(own))
