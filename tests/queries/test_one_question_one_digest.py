"""A question, however it is written, is one question:
generated respellings have one digest, so one price and one answer."""

import random
from collections.abc import Callable

import pytest

from sandbox.queries import bind, digest, make_plan, parse
from sandbox.queries.plan.plan import Plan
from sandbox.queries.types.scope import Scope
from story import DATASET, VERSION

SEEDS = 40
COLUMNS = {
    "cost": ("10", "20.5", "7"),
    "visits": ("1", "2", "3"),
    "note": ("'a'", "'b'", "'c'"),
    "year": ("1", "2", "3"),
}
MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "<>", "<>": "="}
TRUTHS = ("TRUE", "1 = 1", "'a' = 'a'", "2 > 1", "NOT FALSE", "1 <> 2", "(TRUE)", "TRUE OR FALSE")
LIES = ("FALSE", "1 = 2", "NOT TRUE", "3 < 2")
Condition = tuple[str, ...] | tuple[str, "list[Condition]"]


def made(chance: random.Random, depth: int = 0) -> Condition:
    """A condition: (column, comparison, value), (column, IN, values...) or (AND or OR, parts)."""
    if depth < 2 and chance.random() < 0.6:
        return chance.choice(["AND", "OR"]), [made(chance, depth + 1) for _ in range(chance.randint(2, 3))]
    column = chance.choice(list(COLUMNS))
    if chance.random() < 0.3:
        return (column, "IN", *chance.sample(COLUMNS[column], chance.randint(1, 3)))
    comparisons = ["=", "<>"] if column == "note" else list(MIRRORED)
    return column, chance.choice(comparisons), chance.choice(COLUMNS[column])


def written(condition: Condition, chance: random.Random, *, negated: bool = False) -> str:
    """One way to write a condition, or its negation."""
    if chance.random() < 0.15:
        return f"NOT ({written(condition, chance, negated=not negated)})"
    if isinstance(condition[1], list):
        word, parts = condition[0], list(condition[1])
        chance.shuffle(parts)
        if negated:
            word = "OR" if word == "AND" else "AND"
        said = [written(part, chance, negated=negated) for part in parts]
        if chance.random() < 0.2:
            said.append(chance.choice(said))
        if chance.random() < 0.3:
            said.append(chance.choice(TRUTHS if word == "AND" else LIES))
        return "(" + f" {cased(word, chance)} ".join(said) + ")"
    column, comparison, *values = condition
    name = chance.choice([column, column.upper(), f"v.{column}", f'"{column}"'])
    if comparison == "IN":
        values = [*values, *chance.sample(values, chance.randint(0, 1))]
        chance.shuffle(values)
        if chance.random() < 0.5:
            return f"{name} {'NOT ' if negated else ''}{cased('IN', chance)} ({', '.join(values)})"
        word, sign = ("AND", "<>") if negated else ("OR", "=")
        return "(" + f" {word} ".join(f"{name} {sign} {value}" for value in values) + ")"
    sign = OPPOSITE[comparison] if negated else comparison
    forms: list[Callable[[], str]] = [
        lambda: f"{name} {sign} {values[0]}",
        lambda: f"({values[0]} {MIRRORED[sign]} ({name}))",
        lambda: f"NOT {name} {OPPOSITE[sign]} {values[0]}",
    ]
    return chance.choice(forms)()


def cased(word: str, chance: random.Random) -> str:
    return chance.choice([word, word.lower(), word.title()])


def plan(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_respellings_of_a_question_have_one_digest_and_the_same_totals(seed: int) -> None:
    condition, chance = made(random.Random(seed)), random.Random(1000 + seed)
    seen = set()
    for _ in range(8):
        count = chance.choice(["COUNT(*)", "count(1)", "COUNT(*) AS n", "COUNT('x')", "COUNT(visits)"])
        select = cased("SELECT", chance)
        where = written(condition, chance)
        if chance.random() < 0.3:
            where = f"{where} AND {chance.choice(TRUTHS)}"
        found = plan(f"{select} {count}, SUM(cost) {cased('FROM', chance)} Clinic.visits AS v WHERE {where}")
        seen.add((digest(found), tuple(sorted(total.name for total in found.totals)), tuple(found.totals)))
    assert (
        len({(one, names) for one, names, _ in seen}) == 1
        and len({frozenset(totals) for _, _, totals in seen}) == 1
    )


@pytest.mark.parametrize(
    "where", ["", *(f" WHERE {truth}" for truth in TRUTHS), " WHERE TRUE AND (1 = 1 OR cost > 3)"]
)
def test_what_is_always_true_is_no_question_of_its_own(where: str) -> None:
    for select in ("COUNT(*)", f"COUNT(*) FILTER ({where.strip() or 'WHERE TRUE'})"):
        found = plan(f"SELECT {select} FROM clinic.visits{where}")
        assert (digest(found), found.totals) == (
            digest(plan("SELECT COUNT(*) FROM clinic.visits")),
            plan("SELECT COUNT(*) FROM clinic.visits").totals,
        )


def test_different_conditions_stay_different() -> None:
    conditions = [
        "cost > 3",
        "cost >= 3",
        "cost > 4",
        "NOT cost > 3",
        "cost IS NOT NULL",
        "FALSE",
        "visits > 3",
        "cost IN (3, 4)",
        "COALESCE(cost > 3, TRUE)",
        "cost > 3 OR cost IS NULL",
        "NOT cost IN (3, 4)",
        "cost > visits",
    ]
    assert len(
        {digest(plan(f"SELECT COUNT(*) FROM clinic.visits WHERE {one}")) for one in conditions}
    ) == len(conditions)


def test_a_flat_list_of_conditions_is_not_deep() -> None:
    for word in (" OR ", " AND "):
        plan(
            "SELECT COUNT(*) FROM clinic.visits WHERE "
            + word.join(f"visits <> {place}" for place in range(200))
        )
