"""Boards: exact noise, the Ladder's step, intervals that hold what they say, ranks and the calculator."""

import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from false_alarms import noise_bound, spread_bounds
from sandbox.competitions.boards import (
    UNIT,
    BoardForm,
    Ladder,
    Metric,
    MetricKind,
    NoisyScore,
    Place,
    Sizes,
    noisy_score,
    person_value,
    plan_board,
    rank_ranges,
)
from sandbox.competitions.boards.classes import class_sums, score_of_sums
from sandbox.competitions.boards.function import BadFunction, parsed
from sandbox.competitions.boards.intervals import Interval, interval
from sandbox.errors import InvalidInput

RELATIVE, BONUS, CLASSES = (
    Metric(MetricKind.FUNCTION, function=text)
    for text in (
        "1 - abs(prediction - target) / max(abs(target), 1)",
        "(target + prediction) / prediction",
        "1 if prediction == target else 0.5 if target == '高' and prediction == '中' else 0",
    )
)
ACCURACY = Metric(MetricKind.ACCURACY)
FORM = BoardForm(ACCURACY, Sizes(2000), 3, 1, 20, Fraction(1, 10), Fraction(1, 10), baselines=0)


def test_the_calculator_gives_the_sd_of_the_formula() -> None:
    plan = plan_board(FORM)
    assert plan.entries == 60
    assert plan.sd == pytest.approx(1 / (2000 * math.sqrt(2 * 0.1 / 60)), rel=1e-6)
    assert float(plan.step) >= 3 * math.sqrt(2) * plan.sd
    assert plan.loss.times(60).rho <= FORM.rho
    assert plan.visible >= plan.step


def test_a_board_that_is_too_coarse_is_refused_with_what_would_do() -> None:
    coarse = replace(FORM, wanted=Fraction(1, 50))
    with pytest.raises(InvalidInput) as refused:
        plan_board(coarse)
    assert refused.value.code == "board_too_coarse" and refused.value.remedy_zh
    fewer = int(refused.value.remedy.split("at most ")[1].split()[0])
    assert plan_board(replace(coarse, teams=1, days=fewer)).step <= coarse.wanted
    with pytest.raises(InvalidInput) as hopeless:
        plan_board(replace(FORM, wanted=Fraction(1, 1000)))
    assert "at most" not in hopeless.value.remedy and "减到" not in hopeless.value.remedy_zh
    assert hopeless.value.remedy.startswith("Score ")


@pytest.mark.parametrize("bad", [{"teams": 0}, {"rho": Fraction(0)}, {"days": 10**6}, {"confidence": 1.0}])
def test_numbers_that_make_no_board_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        plan_board(replace(FORM, **bad))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "truth", "said", "value"),
    [
        (ACCURACY, ["a", "b"], ["a", "a"], 0.5),
        (ACCURACY, [True], [1], 0),  # of another type
        (Metric(MetricKind.BRIER), [True], [0.5], 0.75),
        (Metric(MetricKind.BRIER), [False], [7.0], 0),
        (Metric(MetricKind.LOG_LOSS, Fraction(4)), [1], [0.0], 0),
        (Metric(MetricKind.LOG_LOSS, Fraction(4)), [0], [0.0], 1),
        (Metric(MetricKind.MAE, Fraction(10)), [3.0], [5], 0.8),
        (Metric(MetricKind.MAE, Fraction(10)), [3.0], [math.nan], 0),
        (Metric(MetricKind.RMSE, Fraction(10)), [3.0], [8.0], 0.75),
        (Metric(MetricKind.MAE), [3.0], [], 0),
        (Metric(MetricKind.MAE), [3], [10**400], 0),
        (RELATIVE, [10, 4], [12, 4.0], 0.9),
        (RELATIVE, [10], [1e9], 0),  # below 0: clipped
        (BONUS, [True], [1], 1),  # above 1: clipped
        (BONUS, [False], [0], 0),  # divided by zero
        (BONUS, [True], ["a"], 0),  # a text is no number
        (BONUS, [None], [1], 0),
        (BONUS, [True], [math.inf], 0),
        (CLASSES, ["高", "中"], ["中", "中"], 0.75),
    ],
)
def test_a_person_adds_at_most_one_point(
    metric: Metric, truth: list[object], said: list[object], value: float
) -> None:
    assert person_value(metric, truth, said) == round(value * UNIT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "target",
        "x + target + prediction",
        "__import__('os') if prediction else target",
        "target.real - prediction",
        "[target for prediction in (1,)]",
        "(lambda: target)() + prediction",
        "min(prediction) + target",
        "f'{target}' == prediction",
        "'\\x41' == target or prediction",
        "9e999 + target + prediction",
        "1j * target * prediction",
        "-" * 400 + "(target + prediction)",
        "(target - " * 40 + "prediction" + ")" * 40 + "+1" * 40,
        "(" * 240 + "target-prediction" + ")" * 240,
    ],
)
def test_a_function_is_of_its_language_alone(text: str) -> None:
    with pytest.raises(BadFunction) as refused:
        parsed(text)
    assert refused.value.zh


def test_more_people_than_the_part_has_are_not_scored() -> None:
    loss = plan_board(FORM).loss
    with pytest.raises(ValueError):
        noisy_score(ACCURACY, Sizes(2), loss, values=[UNIT] * 3)
    with pytest.raises(ValueError):
        noisy_score(ACCURACY, Sizes(2), loss, values=[2 * UNIT])


@pytest.mark.parametrize("kind", [MetricKind.AUC, MetricKind.F1, MetricKind.BALANCED_ACCURACY])
def test_one_person_changes_the_sums_of_classes_by_what_is_said(kind: MetricKind) -> None:
    chance, metric, sizes = random.Random(5), Metric(kind), Sizes(30, 10)
    positive = [place < 10 for place in range(30)]
    for _ in range(200):
        said: list[object] = [chance.choice([0.1, 0.5, 0.9, None]) for _ in range(30)]
        if kind is not MetricKind.AUC:
            said = [None if one is None else one > 0.4 for one in said]  # type: ignore[operator]
        who = chance.randrange(30)
        other = [*said]
        other[who] = chance.choice([0.0, 1.0] if kind is MetricKind.AUC else [True, False])
        sums, others = (class_sums(metric, sizes, positive, one) for one in (said, other))
        without = class_sums(
            metric,
            sizes,
            [one for place, one in enumerate(positive) if place != who],
            [one for place, one in enumerate(said) if place != who],
        )
        for changed in (others, without):
            assert math.dist(sums.values, changed.values) <= sums.sensitivity


def test_the_score_of_sums_is_the_metrics_own() -> None:
    positive = [True, True, True, False, False]
    said = [True, True, False, True, False]
    sizes = Sizes(5, 3)
    f1 = Metric(MetricKind.F1)
    assert float(score_of_sums(f1, sizes, class_sums(f1, sizes, positive, said).values)) == pytest.approx(
        4 / 6
    )
    balanced = Metric(MetricKind.BALANCED_ACCURACY)
    sums = class_sums(balanced, sizes, positive, said).values
    assert float(score_of_sums(balanced, sizes, sums)) == pytest.approx((2 / 3 + 1 / 2) / 2)
    auc = Metric(MetricKind.AUC)
    sums = class_sums(auc, sizes, positive, [0.9, 0.5, 0.1, 0.5, 0.2]).values
    assert float(score_of_sums(auc, sizes, sums)) == pytest.approx((2 + 1.5 + 0) / 6)


def test_the_ladder_moves_by_whole_steps_only() -> None:
    ladder = Ladder(Fraction(1, 20))
    first = ladder.tell(None, NoisyScore(0.62))
    assert first.improved and ladder.score(first.place) == pytest.approx(0.6)
    same = ladder.tell(first.place, NoisyScore(0.649))
    assert not same.improved and same.place == first.place
    better = ladder.tell(first.place, NoisyScore(0.66))
    assert better.improved and ladder.score(better.place) == pytest.approx(0.65)
    assert not ladder.tell(better.place, NoisyScore(-3.0)).improved
    assert ladder.tell(None, NoisyScore(7.0)).place.level == ladder.levels - 1


# Coverage. 400 boards of 20 entries each: the share of boards with a fault in any interval is at most .05.
# The draws are of a fixed seed, so that nothing here fails by chance.
BOARDS, ENTRIES, MOST_FAULTS = 400, 20, 0.095


@pytest.mark.parametrize("people", [500, 2000])
@pytest.mark.parametrize("truth", [0.5, 0.8, 0.98])
def test_intervals_of_means_hold_noise_and_people_for_all_entries_at_once(people: int, truth: float) -> None:
    form = replace(FORM, sizes=Sizes(people), teams=1, days=ENTRIES, wanted=Fraction(1))
    plan, chance = plan_board(form), np.random.default_rng(people)
    right = chance.binomial(people, truth, (BOARDS, ENTRIES))
    noisy = right / people + chance.normal(0, plan.sd, (BOARDS, ENTRIES))
    faults = 0
    for board in noisy:
        faults += not all(interval(plan.precision, one, one).holds(truth) for one in board)
    assert faults / BOARDS <= MOST_FAULTS
    told = [plan.ladder.tell(None, NoisyScore(float(one))).place for one in noisy[:, 0]]
    assert np.mean([plan.interval(place).holds(truth) for place in told]) >= 0.95


@pytest.mark.parametrize("kind", [MetricKind.F1, MetricKind.BALANCED_ACCURACY])
@pytest.mark.parametrize(("found", "false"), [(0.6, 0.2), (0.95, 0.02)])
def test_intervals_of_class_metrics_hold_too(kind: MetricKind, found: float, false: float) -> None:
    sizes, metric = Sizes(2000, 400), Metric(kind)
    form = replace(FORM, metric=metric, sizes=sizes, teams=1, days=ENTRIES, wanted=Fraction(1))
    plan, chance = plan_board(form), np.random.default_rng(3)
    truth = float(score_of_sums(metric, sizes, (found * 400, false * 1600)))
    scale = 1 / math.sqrt(2 * float(plan.loss.rho))
    shape = (BOARDS // 4, ENTRIES)
    hits = chance.binomial(400, found, shape) + chance.normal(0, scale, shape)
    wrong = chance.binomial(1600, false, shape) + chance.normal(0, scale, shape)
    scores = score_of_sums(metric, sizes, (hits, wrong))
    faults = sum(not all(interval(plan.precision, one, one).holds(truth) for one in row) for row in scores)
    assert faults / len(scores) <= 0.15  # of 100 boards, of a fixed seed


def test_intervals_of_auc_hold_too() -> None:
    sizes, metric = Sizes(600, 120), Metric(MetricKind.AUC)
    form = replace(FORM, metric=metric, sizes=sizes, teams=1, days=ENTRIES, wanted=Fraction(1))
    plan, chance = plan_board(form), np.random.default_rng(4)
    truth = 0.76025  # of N(1, 1) against N(0, 1): Phi(1/sqrt(2))
    held = 0
    for _ in range(100):
        said = [*chance.normal(1, 1, 120), *chance.normal(0, 1, 480)]
        exact = class_sums(metric, sizes, [place < 120 for place in range(600)], said).values[0]
        score = exact / (2 * 120 * 480) + chance.normal(0, plan.sd)
        held += interval(plan.precision, score, score).holds(truth)
    assert held >= 99


def test_noise_is_that_of_the_price() -> None:
    plan = plan_board(FORM)
    scores = [noisy_score(ACCURACY, Sizes(2000), plan.loss, values=[UNIT] * 1600).score for _ in range(300)]
    assert abs(np.mean(scores) - 0.8) < noise_bound(plan.sd, comparisons=2) / math.sqrt(300)
    low, high = spread_bounds(300, comparisons=2)
    assert low < np.std(scores) / plan.sd < high


def test_ranks_are_ranges() -> None:
    ranges = rank_ranges({"a": Interval(0.8, 0.9), "b": Interval(0.7, 0.82), "c": Interval(0.1, 0.2)})
    assert [(one.best, one.worst) for one in ranges.values()] == [(1, 2), (1, 2), (3, 3)]


def test_a_place_says_its_interval_and_nothing_else() -> None:
    plan = plan_board(FORM)
    assert plan.interval(Place(20)) == plan.interval(Place(20))
    assert plan.interval(Place(0)).low == 0.0
