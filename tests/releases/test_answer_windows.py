"""What is said across groups holds the truth as often as it says:
sums, averages, extremes, ranks, others' values."""

from typing import Any

import pytest

from false_alarms import at_least, at_most
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.plan.plan import Plan
from sandbox.queries.plan.price import gaussian
from sandbox.queries.types.scope import Scope
from sandbox.releases.answer.answer_table import table
from story import DATASET, VERSION

TRIES = 500
# in each of at most eight groups of a test, from both sides
LEAST, MOST = at_least(TRIES, 0.95, 16) / TRIES, at_most(TRIES, 0.95, 16) / TRIES
SCALE = 6.0  # of a count, in rows
GROUPED = "FROM clinic.visits GROUP BY district"


def plan(sql: str) -> Plan:
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


def answers(sql: str, counts: list[int], tries: int) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows without noise, and the answers of `tries` draws of it."""
    made = plan(sql)
    (total,) = made.totals
    assert total.name == "rows:" and made.cells == len(counts)
    cells, scale = [count * 1024 for count in counts], SCALE * 1024
    noisy = [[int(value) for value in gaussian(scale)(cells)] for _ in range(tries)]
    return table(made, {"rows:": (1e-9, cells)})["rows"], [
        table(made, {"rows:": (scale, draw)}) for draw in noisy
    ]


def districts() -> int:
    return plan(f"SELECT district, COUNT(*) {GROUPED}").cells


def covered(sql: str, counts: list[int]) -> list[float]:
    """How often the interval of the last column holds the truth, for each group."""
    truth, found = answers(sql, counts, TRIES)
    by_name = {row[0]: row[-1] for row in truth}
    name = found[0]["columns"][-1]["name"]
    return [
        sum(
            error[name]["low"] <= by_name[key] <= error[name]["high"]
            for answer in found
            for row, error in zip(answer["rows"], answer["errors"], strict=True)
            if row[0] == key
        )
        / TRIES
        for key in by_name
    ]


def spread_out(apart: int) -> list[int]:
    return [200 + apart * place for place in range(districts())]


def test_a_sum_over_groups_has_the_noise_of_its_parts_in_squares_and_no_more() -> None:
    for share in covered(f"SELECT district, SUM(COUNT(*)) OVER () AS s {GROUPED}", spread_out(10)):
        assert LEAST <= share <= MOST
    for share in covered(
        f"SELECT district, AVG(COUNT(*)) OVER (ORDER BY district) AS s {GROUPED}", spread_out(10)
    ):
        assert LEAST <= share <= MOST


@pytest.mark.parametrize(
    "said",
    [
        "COUNT(*) / SUM(COUNT(*)) OVER ()",
        "MAX(COUNT(*)) OVER ()",
        "MIN(COUNT(*)) OVER (ORDER BY district)",
        "SUM(COUNT(*) * COUNT(*)) OVER ()",
        "RANK() OVER (ORDER BY COUNT(*) DESC)",
        "DENSE_RANK() OVER (ORDER BY COUNT(*))",
        "COUNT(*) - AVG(COUNT(*)) OVER ()",
    ],
)
@pytest.mark.parametrize("apart", [0, 4, 60])
def test_whatever_is_said_across_groups_is_covered_at_least_as_often_as_it_says(
    said: str, apart: int
) -> None:
    """Where all groups are alike the noise alone chooses the largest;
    a rank without noise is then one of a tie."""
    for share in covered(f"SELECT district, {said} AS x {GROUPED}", spread_out(apart)):
        assert share >= LEAST


def test_a_sum_of_groups_that_noise_chose_is_covered_too() -> None:
    """HAVING keeps what the noise made large: the winners' noise is no average noise."""
    sql = f"SELECT district, SUM(COUNT(*)) OVER () AS s, COUNT(*) AS n {GROUPED} HAVING COUNT(*) > 200"
    counts, made = spread_out(0), plan(sql)
    held = 0
    for draw in (gaussian(SCALE * 1024)([count * 1024 for count in counts]) for _ in range(TRIES)):
        found = table(made, {"rows:": (SCALE * 1024, [int(value) for value in draw])})
        held += (
            not found["rows"]
            or found["errors"][0]["s"]["low"] <= 200 * len(found["rows"]) <= found["errors"][0]["s"]["high"]
        )
    assert held / TRIES >= LEAST


def test_aggregates_of_released_groups_are_one_row_with_an_error() -> None:
    counts = spread_out(10)
    truth, found = answers(
        f"SELECT SUM(n), MAX(n), COUNT(*) FROM (SELECT district, COUNT(*) AS n {GROUPED})", counts, 3
    )
    assert truth == [[sum(counts), max(counts), len(counts)]]
    for answer in found:
        (row,), (errors,) = answer["rows"], answer["errors"]
        names = [column["name"] for column in answer["columns"]]
        for name, value in zip(names[:2], row[:2], strict=True):
            assert errors[name]["low"] < value < errors[name]["high"] and errors[name]["standard_error"] > 0
        assert errors[names[2]] == {"standard_error": None, "low": None, "high": None}


def test_a_value_that_is_withheld_is_not_left_out_of_a_sum_in_silence() -> None:
    made = plan(
        "SELECT district, MAX(AVG(cost)) OVER () AS m, LAG(AVG(cost)) OVER (ORDER BY district) AS before "
        "FROM clinic.visits GROUP BY district ORDER BY district"
    )
    cells, first = (
        districts(),
        min(value for value in plan(f"SELECT district, COUNT(*) {GROUPED}").keys[0].values),
    )
    present = [0 if value == first else 900 * 1024 for value in made.keys[0].values]
    found = table(made, {"centred:cost": (5000.0, [0] * cells), "present:cost": (5000.0, present)})
    withheld = found["errors"][0]["m"]
    assert [row[1] for row in found["rows"]] == [None] * cells and "too noisy" in withheld["note"]
    # nothing is before the first
    assert found["rows"][0][2] is None and "note" not in found["errors"][0]["before"]
    assert found["rows"][1][2] is None and "too noisy" in found["errors"][1]["before"]["note"]
    assert found["rows"][2][2] == 50.0


def test_ranks_by_public_keys_and_numbers_of_groups_have_no_error() -> None:
    said = "ROW_NUMBER() OVER (ORDER BY district) AS r, COUNT(*) OVER () AS g"
    _, (found,) = answers(f"SELECT district, {said}, COUNT(*) {GROUPED}", spread_out(1), 1)
    assert all(error[name]["low"] is None for error in found["errors"] for name in ("r", "g"))


def test_groups_far_apart_have_sure_ranks() -> None:
    _, (found,) = answers(
        f"SELECT district, RANK() OVER (ORDER BY COUNT(*)) AS r {GROUPED}", spread_out(1000), 1
    )
    assert all(
        error["r"]["low"] == error["r"]["high"] == row[1] == place + 1
        for place, (row, error) in enumerate(zip(found["rows"], found["errors"], strict=True))
    )


@pytest.mark.parametrize("grouped", ["ROLLUP (district)", "GROUPING SETS (district, ())"])
def test_a_total_of_groups_has_the_noise_of_its_parts_in_squares_and_no_more(grouped: str) -> None:
    sql = f"SELECT district, COUNT(*) AS n FROM clinic.visits GROUP BY {grouped}"
    *others, total = covered(sql, spread_out(10))
    assert len(others) == districts()
    assert all(LEAST <= share <= MOST for share in (*others, total))
    assert answers(sql, spread_out(10), 1)[1][0]["errors"][-1]["n"]["standard_error"] == pytest.approx(
        SCALE * districts() ** 0.5
    )
