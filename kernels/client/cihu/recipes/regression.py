"""Fits regressions: coefficients with standard errors that allow for several rows of a unit.

Levels of a category that too few units have are put together. A model needs as many units for
each coefficient as the grade says, and degrees of freedom by units, not rows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cihu.recipes.result import Result
from cihu.recipes.rows import Source, labels_of
from cihu.recipes.rules import Rules, Withheld
from cihu.recipes.tables import in_order

Z = 1.959963984540054
OTHERS = "others"
Matrix = npt.NDArray[np.float64]


def regression(recipe: Mapping[str, Any], rules: Rules, source: Source) -> Result:
    factors = {
        f"{place}.{inner}": said
        for place, term in enumerate(recipe["terms"])
        for inner, said in enumerate(term)
    }
    rows = source.rows(recipe, {"outcome": recipe["outcome"], **factors}).dropna()
    rows, levels = _with_levels(rows, factors, rules)
    names, matrix = _design(rows, recipe["terms"], levels)
    _check(rows, names, matrix, rules)
    fitted = _fitted(recipe["family"], rows["outcome"].to_numpy(dtype=float), matrix, rows["unit"].to_numpy())
    estimate, error = np.asarray(fitted.params), np.asarray(fitted.bse)
    if not (np.isfinite(estimate).all() and np.isfinite(error).all()):
        raise Withheld("its coefficients cannot be told apart")
    units = int(rows["unit"].nunique())
    table = pd.DataFrame(
        {
            "term": names,
            "estimate": estimate,
            "std_error": error,
            "ci_low": estimate - Z * error,
            "ci_high": estimate + Z * error,
            "p_value": np.asarray(fitted.pvalues),
            "n": rules.rounded(units),
        }
    )
    behind = [int(rows["unit"][matrix[:, place] != 0].nunique()) for place in range(len(names))]
    counts = pd.DataFrame({"term": names, "n": behind, "df": units - len(names)})
    return Result(table, counts)


def _with_levels(
    rows: pd.DataFrame, factors: Mapping[str, Mapping[str, Any]], rules: Rules
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """The rows with each category's levels as labels, and these levels in order.

    Levels that too few units have become one. No row is left out: the number of units would tell, beside that
    of another model, how many these are.
    """
    rows, levels = rows.copy(), {}
    for name, said in factors.items():
        if said["categorical"]:
            rows[name] = _merged(labels_of(rows[name], said), rows["unit"], max(rules.minimum_count, 1))
            levels[name] = sorted(map(str, rows[name].unique()), key=in_order)
            if len(levels[name]) < 2:
                raise Withheld(f"{said['label']} has fewer than two levels with enough units")
    return rows, levels


def _merged(labels: "pd.Series[Any]", unit: "pd.Series[int]", least: int) -> "pd.Series[Any]":
    units = unit.groupby(labels).nunique()
    small = set(units.index[units < least])
    if not small:
        return labels
    others = labels.isin(small)
    if unit[others].nunique() >= least:
        return labels.mask(others, OTHERS)
    if len(small) == len(units):
        return labels.mask(others, OTHERS)
    nearest = str(units[units >= least].idxmin())
    return labels.mask(others | (labels == nearest), f"{nearest} and {OTHERS}")


def _design(
    rows: pd.DataFrame, terms: list[list[Mapping[str, Any]]], levels: Mapping[str, list[str]]
) -> tuple[list[str], Matrix]:
    names, columns = ["intercept"], [np.ones(len(rows))]
    for place, term in enumerate(terms):
        made: list[tuple[str, Matrix]] = [("", np.ones(len(rows)))]
        for inner, said in enumerate(term):
            key = f"{place}.{inner}"
            parts = (
                [
                    (f"{said['label']}[{level}]", (rows[key] == level).to_numpy(dtype=float))
                    for level in levels[key][1:]
                ]
                if said["categorical"]
                else [(str(said["label"]), rows[key].to_numpy(dtype=float))]
            )
            made = [
                (f"{left}:{name}" if left else name, values * column)
                for left, values in made
                for name, column in parts
            ]
        names += [name for name, _ in made]
        columns += [column for _, column in made]
    return names, np.column_stack(columns)


def _check(rows: pd.DataFrame, names: list[str], matrix: Matrix, rules: Rules) -> None:
    units = int(rows["unit"].nunique())
    if units - len(names) < rules.degrees_of_freedom or units < rules.units_per_parameter * len(names):
        raise Withheld(f"it has {len(names)} coefficients, too many for the units that there are")
    for place, name in enumerate(names):
        there = matrix[:, place] != 0
        few = int(rows["unit"][there].nunique()), int(rows["unit"][~there].nunique())
        if few[0] < rules.minimum_count or (
            0 < few[1] < rules.minimum_count and _is_condition(matrix[:, place])
        ):
            raise Withheld(f"too few units are behind the term {name}")
    if np.linalg.matrix_rank(matrix) < len(names):
        raise Withheld("its coefficients cannot be told apart")


def _is_condition(column: Matrix) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def _fitted(family: str, outcome: Matrix, matrix: Matrix, units: npt.NDArray[Any]) -> Any:
    import statsmodels.api as sm  # takes a second

    if family == "logistic" and not np.isin(outcome, (0.0, 1.0)).all():
        raise Withheld("a logistic regression needs an outcome of 0 and 1")
    if family == "poisson" and (outcome < 0).any():
        raise Withheld("a Poisson regression needs an outcome that counts")
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": units}}
    try:
        if family == "linear":
            return sm.OLS(outcome, matrix).fit(**clustered)
        kind = sm.families.Binomial() if family == "logistic" else sm.families.Poisson()
        return sm.GLM(outcome, matrix, family=kind).fit(**clustered)
    except Exception as error:  # noqa: BLE001  # whatever the library raises; its words could quote a value
        raise Withheld(f"it could not be fitted ({type(error).__name__})") from None
