"""What is measured of a version is exact: errors that were put into files are found and counted, and every
figure is what pandas computes of the same rows."""

import random
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality_reports import column, report_of
from sandbox.quality.drift import stability_index
from sandbox.quality.update_cycle import cycle_days
from story import POLICY, rows_csv

ROWS = 20_000
LENIENT = POLICY.replace(
    'cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}',
    'cost: {role: measure, type: number, bounds: [0, 100], step: "0.5", unfit: empty}',
).replace("day: {role: attribute, type: date}", "day: {role: attribute, type: date, unfit: drop}")


def seeded(seed: int) -> tuple[bytes, dict[str, int]]:
    """Clean rows in which one cell in a thousand was made wrong, in six ways; and how many of each."""
    chance = random.Random(seed)
    wrong: dict[str, int] = dict.fromkeys(
        ("not a number", "no such day", "unlisted", "outside", "empty", "repeated"), 0
    )
    lines = ["person,district,year,cost,visits,note,day,smoker,secret"]
    for row in range(ROWS):
        cells = {
            "person": f"p{row:05}",
            "district": chance.choice(("north", "south", "east")),
            "year": str(chance.randint(1, 3)),
            "cost": f"{chance.randint(0, 200) / 2}",
            "visits": str(chance.randint(0, 10)),
            "note": f"n{row % 10}",
            "day": f"2026-01-{1 + row % 28:02}",
            "smoker": chance.choice(("true", "false")),
            "secret": "s",
        }
        fault = chance.choice(sorted(wrong)) if chance.random() < 0.006 else ""
        match fault:
            case "not a number":
                cells["cost"] = "12 yuan"
            case "no such day":
                cells["day"] = "2026-02-30"
            case "unlisted":
                cells["district"] = "west"
            case "outside":
                cells["cost"] = "100.5"
            case "empty":
                cells["note"] = ""
        line = ",".join(cells.values())
        lines.append(line)
        if fault:
            wrong[fault] += 1
        if fault == "repeated":
            lines.append(line)
    return "\n".join(lines).encode(), wrong


@pytest.mark.parametrize("seed", [1, 2])
def test_errors_of_one_cell_in_a_thousand_are_found_and_counted(seed: int) -> None:
    body, wrong = seeded(seed)
    assert min(wrong.values()) > 5
    report = report_of(body, LENIENT)
    table = report["table"]
    assert table["left_out"] == wrong["no such day"] == column(report, "day")["unfit"]
    assert table["rows"] == ROWS + wrong["repeated"] - wrong["no such day"]
    assert table["repeated"] == wrong["repeated"]
    cost = column(report, "cost")
    assert (cost["unfit"], cost["outside"]) == (wrong["not a number"], wrong["outside"])
    assert cost["rows"] - cost["filled"] == wrong["not a number"]
    assert column(report, "district")["outside"] == wrong["unlisted"]
    note = column(report, "note")
    assert note["rows"] - note["filled"] == wrong["empty"]


def test_every_figure_is_what_pandas_computes() -> None:
    body = rows_csv(500, seed=3)
    frame, report = pd.read_csv(BytesIO(body)), report_of(body)
    for name in ("cost", "visits", "note", "smoker", "district"):
        of, values = column(report, name), frame[name]
        assert of["completeness"] == pytest.approx(values.notna().mean(), abs=1e-8)
        assert of["distinct"] == values.nunique()
    cost = frame["cost"].dropna()
    outside = int(((cost < 0) | (cost > 100)).sum())
    assert column(report, "cost")["outside"] == outside
    assert column(report, "cost")["validity"] == pytest.approx(1 - outside / len(cost), abs=1e-8)
    deviation = 1.4826 * float(np.median(np.abs(cost - cost.median())))
    assert column(report, "cost")["outliers"] == int((np.abs(cost - cost.median()) > 6 * deviation).sum())
    per_unit = frame.groupby("person").size()
    assert report["table"]["units"] == len(per_unit)
    assert report["table"]["beyond"] == int((per_unit - 4).clip(lower=0).sum())
    assert report["table"]["repeated"] == int(frame.duplicated().sum())
    assert column(report, "day")["newest"] == frame["day"].max()


def test_the_scores_are_the_means_that_they_say() -> None:
    body = rows_csv(400, seed=5)
    frame, score = pd.read_csv(BytesIO(body)), report_of(body)["score"]
    of = {one["dimension"]: one for one in score["dimensions"]}
    assert [one["zh"] for one in score["dimensions"]] == [
        "规范性",
        "完整性",
        "准确性",
        "一致性",
        "时效性",
        "可访问性",
    ]
    assert of["completeness"]["score"] == pytest.approx(50 * frame.notna().mean().mean() + 50, abs=0.01)
    per_unit = frame.groupby("person").size()
    beyond = (per_unit - 4).clip(lower=0).sum()
    assert of["consistency"]["score"] == pytest.approx(100 * (1 - beyond / len(frame)), abs=0.01)
    for one in of.values():
        shares = [measure["share"] for measure in one["measures"]]
        assert all(0 <= share <= 1 for share in shares)
        assert all(measure["en"] and measure["zh"] for measure in one["measures"])
        assert one["score"] == pytest.approx(100 * sum(shares) / len(shares), abs=0.01)
    scored = [one["score"] for one in of.values() if one["score"] is not None]
    assert score["total"] == pytest.approx(sum(scored) / len(scored), abs=0.01)


def test_drift_is_the_population_stability_index_of_the_classes() -> None:
    first = report_of(rows_csv(400, seed=1))
    same, other = (
        report_of(rows_csv(400, seed=1), before=first),
        report_of(rows_csv(400, seed=2), before=first),
    )
    assert column(same, "district")["drift"] == 0.0
    now, then = (column(one, "district")["distribution"]["counts"] for one in (other, first))
    p, q = (np.maximum(np.array(one) / sum(one), 1e-4) for one in (now, then))
    assert column(other, "district")["drift"] == pytest.approx(
        float(((p - q) * np.log(p / q)).sum()), abs=1e-5
    )
    assert other["table"]["rows_before"] == first["table"]["rows"]


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 1000), min_size=3, max_size=3),
    st.lists(st.integers(0, 1000), min_size=3, max_size=3),
)
def test_an_index_is_never_negative_and_does_not_depend_on_which_is_first(now: Any, then: Any) -> None:
    one, other = ({"labels": ["a", "b", "c"], "counts": counts} for counts in (now, then))
    index = stability_index(one, other)
    assert index == stability_index(other, one)
    assert index is None or index >= 0
    assert stability_index(one, one | {"labels": ["a", "b", "d"]}) is None


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("每月", 31),
        ("Daily at noon", 1),
        ("half-yearly", 183),
        ("每 10 天", 10),
        ("半年", 183),
        ("一次性", None),
        ("", None),
    ],
)
def test_an_update_cycle_is_read_from_its_words(words: str, days: int | None) -> None:
    assert cycle_days(words) == days
