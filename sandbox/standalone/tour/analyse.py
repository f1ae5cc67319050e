"""The team's part: a sealed kernel, a question and its answer, what is refused, and a budget that ends."""

import json
import re
from functools import partial
from typing import Any

import pandas as pd

from sandbox.standalone.tour.stage import Stage, check, refused
from sandbox.standalone.workspace_visit import open_workspace

SQL = (
    "SELECT year, COUNT(*) AS person_years, AVG(doctor_visits) AS visits, SUM(spending) AS spending "
    "FROM health.visits GROUP BY year"
)
PERSON = re.compile(r"(?<![\w.-])125024(?![\w.-])")
"""Somebody's number, by itself: within the digits of another number it stands by chance."""
SIGMAS = 7.0  # a right answer strays further with a probability under 3e-12 a value

PROBE = """
import os, socket, json
def _reach(kind, where):
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as s:
            s.settimeout(2); s.connect(where)
        return True
    except OSError:
        return False
_found = {
    "network": [port for port in %(ports)r if _reach(socket.AF_INET, ("127.0.0.1", port))],
    "proc": os.path.exists("/proc"),
    "secrets": [name for name in os.environ if "SECRET" in name or "DATABASE" in name or "S3" in name],
    "shadow": os.path.exists("/etc/shadow"),
    "home": os.path.exists(%(home)r),
}
"""

UNSAFE = {
    "SELECT * FROM health.visits": "SELECT *",
    "SELECT MODE(spending) FROM health.visits": "MODE",
    "SELECT COUNT(*) FROM health.visits WHERE person = 125024": "person",
    "SELECT AVG(black) FROM health.visits": "black",
    "SELECT SUM(1 / (doctor_visits - 4)) FROM health.visits": "no bounds",
    "SELECT person, COUNT(*) FROM health.visits GROUP BY person": "GROUP BY person",
}


def open_kernel(stage: Stage) -> str:
    """wang logs in once and opens a notebook; its kernel sees two datasets,
    and nothing else of the machine."""
    stage.kernel = stage.closing.enter_context(open_workspace(stage.where, "wang", stage.password))
    names = stage.kernel.value("[d.name for d in __import__('cihu').datasets()]")
    check({"health.visits", "market.inspections"} <= set(names), f"the kernel sees only {names}")
    ports = [int(url.rpartition(":")[2]) for url in (stage.where.vault, stage.where.portal, stage.where.hub)]
    stage.kernel.run(PROBE % {"ports": ports, "home": str(stage.files["health.visits"])})
    found = stage.kernel.value("_found")
    check(not found["network"], f"the kernel reaches {found['network']}")
    check(not found["proc"], "the kernel sees processes")
    check(
        not found["secrets"] and not found["shadow"] and not found["home"],
        f"the kernel sees too much: {found}",
    )
    return f"a sealed kernel; it sees {len(names)} datasets, no processes, no network"


def ask(stage: Stage) -> str:
    """A question in SQL, in a cell of the notebook;
    the answer comes with its errors, and its noise is really there."""
    before = _spent(stage)
    cells = stage.cells()
    cells.run(f"import cihu\nanswer = cihu.sql({SQL!r}, epsilon=0.5, grant={stage.known['grant']})")
    answer: dict[str, Any] = cells.value("answer.document")
    stage.known["answer"] = answer
    _check_noise(answer, pd.read_parquet(stage.files["health.visits"]))
    after, price = _spent(stage), answer["price"]["picorho"]
    check(
        {level: after[level] - before[level] for level in after} == dict.fromkeys(after, price),
        f"the price {price} was not charged at every level: {before} -> {after}",
    )
    cells.run(f"again = cihu.sql({SQL!r}, epsilon=0.5, grant={stage.known['grant']})")
    again = cells.value("again.document")
    check(again["stored"] and again["rows"] == answer["rows"], "the same question gave other numbers")
    check(_spent(stage) == after, "the same question was charged twice")
    row, errors = answer["rows"][0], answer["errors"][0]
    return (
        f"year 1: {row[1]:.0f} ± {errors['person_years']['standard_error']:.0f} person-years, "
        f"{row[2]:.2f} ± {errors['visits']['standard_error']:.2f} visits; epsilon "
        f"{answer['price']['epsilon']:.3f}"
    )


def explain(stage: Stage) -> str:
    """The price and the error of a question, before it is asked; nothing is spent."""
    before = _spent(stage)
    sql = "SELECT coinsurance, AVG(doctor_visits) AS visits FROM health.visits GROUP BY coinsurance"
    told = stage.cells().value(f"cihu.explain({sql!r}, epsilon=0.2, grant={stage.known['grant']}).document")
    check(_spent(stage) == before, "explaining was charged")
    check(
        {total["one_unit_changes_it_by"] for total in told["totals"]} == {5.0, 75.0},
        f"other bounds: {told['totals']}",
    )
    return (
        f"epsilon {told['epsilon']:.3f}, visits ± {told['outputs'][0]['plus_minus_95']:.2f}, "
        f"{told['budget']['percent_used_after']:.0f} % of the team's budget used afterwards"
    )


def refuse_unsafe(stage: Stage) -> str:
    """What cannot be private is refused by name, in the kernel; so is whoever has no grant.
    Nothing is charged."""
    before = _spent(stage)
    for sql, names in UNSAFE.items():
        said = stage.cells().run(f"cihu.sql({sql!r}, grant={stage.known['grant']})")
        check(
            names in said and "refused" in _code(stage, sql), f"{sql} was not refused by name: {said[-300:]}"
        )
    # to a company, the team's grant is not even there
    for other, code in (("lin", "no_permit"), ("zhou", "no_permit"), ("chen", "not_found")):
        question = {"sql": "SELECT COUNT(*) FROM health.visits", "grant": stage.known["grant"]}
        refused(
            partial(stage.person(other).vault, "POST", "/v1/ask", json=question),
            code=code,
            what=f"a question by {other}",
        )
    check(_spent(stage) == before, "a refused question was charged")
    return f"{len(UNSAFE)} questions and 3 people refused, each with its reason"


def _code(stage: Stage, sql: str) -> str:
    stage.cells().run(
        f"try:\n    cihu.sql({sql!r}, grant={stage.known['grant']})\n    _code = 'answered'\n"
        "except cihu.CihuError as error:\n    _code = error.code"
    )
    return str(stage.cells().value("_code"))


def budget_stop(stage: Stage) -> str:
    """A question that costs more than is left is refused; not a bit of it is charged."""
    before = _spent(stage)
    sql = "SELECT site, SUM(spending) AS spending FROM health.visits GROUP BY site"
    said = stage.cells().run(f"cihu.sql({sql!r}, epsilon=4, grant={stage.known['grant']})")
    check("budget" in said and "grant" in said, f"the budget did not stop it: {said[-300:]}")
    check(_spent(stage) == before, "a question without budget was charged")
    used = next(level["percent_used"] for level in _levels(stage) if level["level"] == "grant")
    return f"refused at {used:.0f} % of the team's budget"


def _levels(stage: Stage) -> list[dict[str, Any]]:
    """The budgets as lin sees them, with everybody's spending. wang sees only the team's."""
    found = stage.person("lin").vault("GET", f"/v1/budgets?grant={stage.known['grant']}")
    levels: list[dict[str, Any]] = found[0]["levels"]
    return levels


def _spent(stage: Stage) -> dict[str, int]:
    return {level["level"]: level["picorho_spent"] for level in _levels(stage)}


def _check_noise(answer: dict[str, Any], rows: pd.DataFrame) -> None:
    """The officers' file is here, so the tour knows what the vault must hide:
    near the truth, and never the truth."""
    truth = (
        rows.assign(visits=rows.doctor_visits.clip(0, 30), spending=rows.spending.clip(0, 2000))
        .groupby("year")
        .agg(person_years=("year", "size"), visits=("visits", "mean"), spending=("spending", "sum"))
    )
    exact = 0
    for row, errors in zip(answer["rows"], answer["errors"], strict=True):
        for place, name in enumerate(("person_years", "visits", "spending"), start=1):
            error, value, right = errors[name], row[place], float(truth.loc[row[0], name])
            check(
                error["standard_error"] > 0 and error["low"] <= value <= error["high"],
                f"{name} has no honest error",
            )
            check(
                abs(value - right) <= SIGMAS * error["standard_error"] + 1e-6 * abs(right),
                f"{name} of year {row[0]} is further off than its error allows",
            )
            exact += abs(value - right) <= 1e-4 * error.get("noise", error)["standard_error"]
    check(exact <= 3, f"{exact} of 15 values left without noise")
    check(not PERSON.search(json.dumps(answer)), "a person's number is in the answer")
