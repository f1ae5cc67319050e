"""Fits regressions: coefficients with standard errors that allow for several rows of a unit.

Levels of a category that too few units have are put together. A model needs as many units for
each coefficient as the grade says, and degrees of freedom by units, not rows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cihu.recipes.curves import followed
from cihu.recipes.result import Result
from cihu.recipes.rows import UNIT, Source, labels_of
from cihu.recipes.rules import MOST_LEVERAGE, Rules, Withheld, at_error, significant
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
    watched = {" time": recipe["time"]} if recipe["family"] == "cox" else {}
    rows = source.rows(recipe, {" outcome": recipe["outcome"], **watched, **factors}).dropna()
    if watched:
        rows = followed(rows.rename(columns={" outcome": " event"}))
    rows, levels = _with_levels(rows, factors, rules)
    names, matrix = _design(rows, recipe["terms"], levels)
    if recipe["family"] == "cox":
        return _cox(rows, names[1:], matrix[:, 1:], rules)
    outcome = rows[" outcome"].to_numpy(dtype=float)
    _check(rows, names, matrix, rules)
    _check_outcome(outcome, rows[UNIT], rules)
    fitted, weights = _fitted(recipe["family"], outcome, matrix, rows[UNIT].to_numpy())
    require_shared(matrix, weights, rows[UNIT].to_numpy(), rules)
    estimate, error = np.asarray(fitted.params), np.asarray(fitted.bse)
    if not (np.isfinite(estimate).all() and np.isfinite(error).all()):
        raise Withheld("its coefficients cannot be told apart")
    units = int(rows[UNIT].nunique())
    table = _table(names, estimate, error, np.asarray(fitted.pvalues), units).assign(n=rules.rounded(units))
    behind = [int(rows[UNIT][matrix[:, place] != 0].nunique()) for place in range(len(names))]
    counts = pd.DataFrame({"term": names, "n": behind, "df": units - len(names)})
    return Result(table, counts)


def _table(names: list[str], estimate: Matrix, error: Matrix, chance: Matrix, units: int) -> pd.DataFrame:
    """`units`: those that carry the information. An estimate has the digits that its error leaves."""
    made = {
        "estimate": estimate,
        "ci_low": estimate - Z * error,
        "ci_high": estimate + Z * error,
    }
    columns = {
        name: [at_error(float(value), float(se), units) for value, se in zip(values, error, strict=True)]
        for name, values in made.items()
    }
    return pd.DataFrame(
        {
            "term": names,
            "estimate": columns["estimate"],
            "std_error": [significant(float(value), units) for value in error],
            "ci_low": columns["ci_low"],
            "ci_high": columns["ci_high"],
            "p_value": [significant(float(value), units) for value in chance],
        }
    )


def _cox(rows: pd.DataFrame, names: list[str], matrix: Matrix, rules: Rules) -> Result:
    """Proportional hazards (D. R. Cox, "Regression Models and Life-Tables", JRSS B 34, 1972), ties as Efron
    has them. The information lies in the events: there must be enough of them for each coefficient
    (P. Peduzzi et al., J. Clin. Epidemiol. 48, 1995)."""
    import statsmodels.api as sm

    event = rows[" event"].to_numpy(dtype=float)
    units, events = len(rows), int(event.sum())
    least = max(rules.minimum_count, rules.units_per_parameter * len(names))
    if events < least or 0 < units - events < rules.minimum_count:
        raise Withheld(f"too few units had the event, or had it not, for {len(names)} coefficients")
    _check(rows, names, matrix, rules)
    for place, name in enumerate(names):
        ended = matrix[event == 1, place]
        if _is_condition(matrix[:, place]) and min(ended.sum(), (1 - ended).sum()) < rules.minimum_count:
            raise Withheld(f"too few events are behind the term {name}")
    try:
        fitted = sm.PHReg(rows[" time"].to_numpy(dtype=float), matrix, status=event, ties="efron").fit()
        estimate, error = np.asarray(fitted.params), np.asarray(fitted.bse)
        scores = np.nan_to_num(np.asarray(fitted.score_residuals))
    except Exception as failed:  # noqa: BLE001  # whatever the library raises; its words could quote a value
        raise Withheld(f"it could not be fitted ({type(failed).__name__})") from None
    if not (np.isfinite(estimate).all() and np.isfinite(error).all()):
        raise Withheld("its coefficients cannot be told apart")
    require_shared(scores, np.ones(len(scores)), rows[UNIT].to_numpy(), rules)
    table = _table(names, estimate, error, np.asarray(fitted.pvalues), events)
    table.insert(
        2, "hazard_ratio", [significant(float(np.exp(value)), events) for value in table["estimate"]]
    )
    table["events"], table["n"] = rules.rounded(events), rules.rounded(units)
    behind = [int(rows[UNIT][matrix[:, place] != 0].nunique()) for place in range(len(names))]
    return Result(table, pd.DataFrame({"term": names, "n": behind, "df": events - len(names)}))


def require_shared(matrix: Matrix, weights: Matrix, units: npt.NDArray[Any], rules: Rules) -> None:
    """Raises `Withheld` where one unit all but decides a coefficient: its leverage, over all its rows."""
    if rules.minimum_count <= 1:
        return
    bread = np.linalg.pinv(matrix.T @ (matrix * weights[:, None]))
    leverage = ((matrix @ bread) * matrix).sum(axis=1) * weights
    if pd.Series(leverage).groupby(units).sum().max() > MOST_LEVERAGE:
        raise Withheld("one unit would all but decide a coefficient")


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
            rows[name] = _merged(labels_of(rows[name], said), rows[UNIT], max(rules.minimum_count, 1))
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
    units = int(rows[UNIT].nunique())
    if units - len(names) < rules.degrees_of_freedom or units < rules.units_per_parameter * len(names):
        raise Withheld(f"it has {len(names)} coefficients, too many for the units that there are")
    for place, name in enumerate(names):
        there = matrix[:, place] != 0
        few = int(rows[UNIT][there].nunique()), int(rows[UNIT][~there].nunique())
        if few[0] < rules.minimum_count or (
            0 < few[1] < rules.minimum_count and _is_condition(matrix[:, place])
        ):
            raise Withheld(f"too few units are behind the term {name}")
    if np.linalg.matrix_rank(matrix) < len(names):
        raise Withheld("its coefficients cannot be told apart")


def _check_outcome(outcome: Matrix, units: "pd.Series[int]", rules: Rules) -> None:
    if rules.alike(pd.Series(outcome, index=units.index), units):
        raise Withheld("all but few units have the same outcome")


def _is_condition(column: Matrix) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def _fitted(family: str, outcome: Matrix, matrix: Matrix, units: npt.NDArray[Any]) -> tuple[Any, Matrix]:
    """The fit, and the weight that it gave each row."""
    import statsmodels.api as sm  # takes a second

    if family == "logistic" and not np.isin(outcome, (0.0, 1.0)).all():
        raise Withheld("a logistic regression needs an outcome of 0 and 1")
    if family == "poisson" and (outcome < 0).any():
        raise Withheld("a Poisson regression needs an outcome that counts")
    clustered = {"cov_type": "cluster", "cov_kwds": {"groups": units}}
    try:
        if family == "linear":
            return sm.OLS(outcome, matrix).fit(**clustered), np.ones(len(outcome))
        kind = sm.families.Binomial() if family == "logistic" else sm.families.Poisson()
        fitted = sm.GLM(outcome, matrix, family=kind).fit(**clustered)
        mean = np.asarray(fitted.fittedvalues)
        return fitted, mean * (1 - mean) if family == "logistic" else mean
    except Exception as error:  # noqa: BLE001  # whatever the library raises; its words could quote a value
        raise Withheld(f"it could not be fitted ({type(error).__name__})") from None
