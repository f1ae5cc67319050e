"""What noise decides is never told as certain: conditions, numbers of groups, and the groups that are shown.

Random conditions, branches and windows are asked of groups near their thresholds, and the truth is what the
same expression says of the numbers without noise. Seeds are fixed.
"""

import random
from math import sqrt

import pytest

from chosen_answers import GROUPS, SCALE, answered, drawn, plan_of
from false_alarms import at_least
from sandbox.releases.answer.selection import selection

TRIES = 30


def condition(chance: random.Random, depth: int = 2) -> str:
    number, at = chance.choice(["COUNT(*)", "COUNT(*) / 2", "ROUND(COUNT(*), -1)"]), chance.randint(95, 110)
    match chance.randint(0, 6) if depth else 0:
        case 1:
            return f"NOT ({condition(chance, depth - 1)})"
        case 2:
            return f"({condition(chance, depth - 1)} AND {condition(chance, depth - 1)})"
        case 3:
            return f"({condition(chance, depth - 1)} OR {condition(chance, depth - 1)})"
        case 4:
            return f"ROUND(COUNT(*), 0) IN ({at}, {at + 1}, {at + 5})"
        case 5:
            return f"NULLIF(ROUND(COUNT(*), -1), 100) IS NULL AND {condition(chance, depth - 1)}"
    by = " / 2" if "/ 2" in number else ""
    return f"{number} {chance.choice(['<', '<=', '>', '>=', '<>'])} {at}{by}"


def value(chance: random.Random, depth: int = 2) -> str:
    match chance.randint(0, 6) if depth else 0:
        case 1 | 2:
            first, second = value(chance, depth - 1), value(chance, depth - 1)
            return f"CASE WHEN {condition(chance, 1)} THEN {first} ELSE {second} END"
        case 3:
            return f"COALESCE(NULLIF(ROUND(COUNT(*), -1), 100), {value(chance, depth - 1)})"
        case 4:
            return f"({value(chance, depth - 1)}) % {chance.choice([7, 40])}"
        case 5:
            return f"SIGN({value(chance, depth - 1)} - {chance.randint(90, 110)})"
        case 6:
            return f"({value(chance, depth - 1)} - {value(chance, depth - 1)})"
    return chance.choice(["COUNT(*)", "1", "0", "50"])


@pytest.mark.parametrize("seed", range(2))
def test_what_is_made_of_conditions_on_noisy_numbers_is_covered(seed: int) -> None:
    chance, held = random.Random(seed), []
    counts = [95 + 7 * place for place in range(GROUPS)]
    for _ in range(TRIES):
        sql = f"SELECT area, {value(chance)} + 0 * COUNT(*) AS x FROM clinic.visits GROUP BY area"
        truth = dict(answered(sql, [one * 1024 for one in counts], 1e-9)["rows"])
        told = answered(sql, drawn(counts, chance.randrange(2**31)), SCALE)
        for row, error in zip(told["rows"], told["errors"], strict=True):
            if None not in (row[1], truth[row[0]], error["x"]["low"]):
                held.append(error["x"]["low"] - 1e-6 <= truth[row[0]] <= error["x"]["high"] + 1e-6)
                assert error["x"]["low"] - 1e-6 <= row[1] <= error["x"]["high"] + 1e-6, sql
    assert len(held) > 100
    assert sum(held) >= at_least(len(held), 0.95, 8), f"{sum(held)} of {len(held)}"


@pytest.mark.parametrize("seed", range(2))
def test_a_truth_or_a_text_that_noise_may_have_decided_says_so(seed: int) -> None:
    chance, wrong, sure, unsure = random.Random(seed), 0, 0, 0
    counts = [80 + 4 * place for place in range(GROUPS)]
    for _ in range(TRIES):
        asked = condition(chance)
        said = chance.choice([asked, f"CASE WHEN {asked} THEN 'many' ELSE 'few' END"])
        sql = f"SELECT area, {said} AS x FROM clinic.visits GROUP BY area"
        truth = dict(answered(sql, [one * 1024 for one in counts], 1e-9)["rows"])
        told = answered(sql, drawn(counts, chance.randrange(2**31)), SCALE)
        for row, error in zip(told["rows"], told["errors"], strict=True):
            if row[1] is None:
                continue
            known = "note" not in error["x"]
            sure, unsure = sure + known, unsure + (not known)
            wrong += known and row[1] != truth[row[0]]
    assert sure > 50 and unsure > 25, (sure, unsure)
    assert sure - wrong >= at_least(sure, 0.95, 8)


WINDOWS = (
    "SELECT COUNT(*) AS x FROM {} WHERE n > 100",
    "SELECT SUM(n) AS x FROM {} WHERE n > 100",
    "SELECT AVG(n) AS x FROM {} WHERE n <= 110",
    "SELECT MIN(n) AS x FROM {} WHERE n > 100",
    "SELECT MAX(n) AS x FROM {} WHERE n < 110",
    "SELECT COUNT(*) FILTER (WHERE n > 100) AS x FROM {}",
    "SELECT SUM(CASE WHEN n > 100 THEN 1 ELSE 0 END) AS x FROM {}",
    "SELECT SUM(CASE WHEN n > 100 THEN n END) AS x FROM {}",
    "SELECT area, COUNT(*) OVER () AS x FROM clinic.visits GROUP BY area HAVING COUNT(*) > 100",
    "SELECT area, RANK() OVER (ORDER BY COUNT(*)) AS x FROM clinic.visits GROUP BY area "
    "HAVING COUNT(*) > 100",
    "SELECT area, COUNT(*) OVER (ORDER BY COUNT(*)) AS x FROM clinic.visits GROUP BY area",
)


@pytest.mark.parametrize("sql", WINDOWS)
@pytest.mark.parametrize("apart", [2, 10])
def test_what_windows_say_of_groups_that_noise_chose_is_covered(sql: str, apart: int) -> None:
    sql = sql.format("(SELECT area, COUNT(*) AS n FROM clinic.visits GROUP BY area)")
    counts, held = [90 + apart * place for place in range(GROUPS)], []
    truth = {tuple(row[:-1]): row[-1] for row in answered(sql, [n * 1024 for n in counts], 1e-9)["rows"]}
    for seed in range(TRIES):
        told = answered(sql, drawn(counts, seed), SCALE)
        for row, error in zip(told["rows"], told["errors"], strict=True):
            real = truth.get(tuple(row[:-1]))
            if None not in (real, row[-1], error["x"]["low"]):
                held.append(error["x"]["low"] - 1e-6 <= real <= error["x"]["high"] + 1e-6)
    # several groups of an answer miss together
    assert len(held) >= TRIES and sum(held) / len(held) >= at_least(TRIES, 0.95, 2 * len(WINDOWS)) / TRIES


@pytest.mark.parametrize(
    "last",
    [
        "ORDER BY x DESC LIMIT 1",
        "ORDER BY x LIMIT 5",
        "ORDER BY x DESC LIMIT 3 OFFSET 1",
        "HAVING {} > {}",
        "QUALIFY RANK() OVER (ORDER BY {} DESC) <= 2",
    ],
)
@pytest.mark.parametrize(("of", "at"), [("COUNT(*)", 109), ("AVG(cost)", 50.4), ("COUNT(*) * 2", 218)])
def test_of_the_groups_that_noise_made_the_largest_the_errors_are_true(last: str, of: str, at: float) -> None:
    """All groups are alike, so the noise alone chooses."""
    by = last.format(of, at)
    sql = f"SELECT area, {of} AS x FROM clinic.visits GROUP BY area {by}"
    truth = {"COUNT(*)": 100, "AVG(cost)": 50, "COUNT(*) * 2": 200}[of]
    held, squares = [], []
    for seed in range(2 * TRIES):
        told = answered(sql, drawn([100] * GROUPS, seed), SCALE, seed=seed)
        for row, error in zip(told["rows"], told["errors"], strict=True):
            if None not in (row[1], error["x"]["low"]):
                held.append(error["x"]["low"] <= truth <= error["x"]["high"])
                squares.append(((row[1] - truth) / error["x"]["standard_error"]) ** 2)
    assert len(held) >= TRIES
    assert sum(held) >= at_least(len(held), 0.95, 15), f"{sum(held)} of {len(held)}"
    assert sum(squares) / len(squares) <= 1 + 6 * sqrt(2 / len(squares))


def test_what_public_keys_choose_is_no_wider() -> None:
    asked, cells = "SELECT area, COUNT(*) AS x FROM clinic.visits GROUP BY area", drawn([100] * GROUPS, 1)
    everything = answered(asked, cells, SCALE)
    for last in ("ORDER BY area LIMIT 1", "LIMIT 2", "ORDER BY x DESC"):
        told = answered(f"{asked} {last}", cells, SCALE)
        whole = dict(zip((row[0] for row in everything["rows"]), everything["errors"], strict=True))
        assert all(error == whole[row[0]] for row, error in zip(told["rows"], told["errors"], strict=True))


def test_the_fewer_are_shown_the_wider_they_are() -> None:
    after = plan_of(
        "SELECT area, COUNT(*) AS x FROM clinic.visits GROUP BY area ORDER BY x LIMIT 1"
    ).afterwards
    found = [selection(after, shown=shown, groups=1000) for shown in (1, 10, 100, 1000)]
    assert [round(one.confidence, 5) for one in found] == [0.99995, 0.9995, 0.995, 0.95]
    assert sorted((one.spread for one in found), reverse=True) == [one.spread for one in found]
    assert found[-1].spread == 1.0
