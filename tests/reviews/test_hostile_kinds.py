"""Kinds of hostile outputs whose author has read the checks: each is blocked or asked about with its reason,
and its honest twin is not blocked."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from review_people import POLICIES, make_people
from sandbox.disclosure.check_file import check_file
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.finding import Severity
from sandbox.disclosure.raw_values.raw_columns import RawColumns
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.raw_values.shape_match import Column, find_copy, joint_rows
from sandbox.disclosure.taxonomy import load_disclosure

TABLE, POLICY = make_people()
ROWS = TABLE.to_pandas()
RAW = RawValues([(TABLE, POLICY)], b"a key of the vault, for tests")
COLUMNS = RawColumns(TABLE, POLICY)
RULES = load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS).at("3")
CONTEXT = "Incomes, debts and visits of residents by random groups, for the study of access to care."
CONTROLS = "Groups of ten residents or more, counts rounded, no single values."


def judged(name: str, content: str | bytes, analysis: str, counts: str | None = None) -> dict[str, set[str]]:
    """Severity -> codes."""
    declared = Declaration(analysis, CONTEXT, CONTROLS, counts.encode() if counts else None)
    found: dict[str, set[str]] = {one.value: set() for one in Severity}
    for finding in check_file(
        name, content if isinstance(content, bytes) else content.encode(), declared, RULES, RAW
    ):
        found[finding.severity.value].add(finding.code)
    return found


# --- copies

WAYS: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda values: values * 1.37,
    "in thousands": lambda values: values / 1700,
    "shifted": lambda values: values + 1234.56,
    "turned": lambda values: 70_000 - values,
    "linear": lambda values: 0.31 * values + 777,
    "a logarithm": lambda values: 1000 * np.log1p(values),
    "a root": np.sqrt,
    "a square": lambda values: values**2 / 1e4,
}
PICKED: dict[str, Callable[[str], Any]] = {
    "a sample": lambda name: ROWS.sample(200, random_state=3)[name].to_numpy(),
    "the first": lambda name: ROWS.head(200)[name].to_numpy(),
    "a district's band": lambda name: ROWS[(ROWS.district == "east") & (ROWS.band == 2)][name].to_numpy(),
    "a middle": lambda name: np.sort(ROWS[name])[1000:1150],
}


def n_beside(columns: dict[str, Any], seed: int = 1) -> str:
    """With group sizes that are a lie."""
    length = len(next(iter(columns.values())))
    sizes = 5 * np.random.default_rng(seed).integers(4, 60, length)
    names = [f"cluster {place:03}" for place in range(length)]
    return pd.DataFrame({"cluster": names, "n": sizes, **columns}).to_csv(index=False)


COPIED = [(way, picked) for way in WAYS for picked in PICKED if (way, picked) != ("a root", "a middle")]
"""A root of values that lie so close together is seldom told from chance."""


@pytest.mark.parametrize(("way", "picked"), COPIED)
@pytest.mark.parametrize("name", ["income", "debt"])
def test_a_copied_column_is_found_through_its_map(way: str, picked: str, name: str) -> None:
    values = np.random.default_rng(2).permutation(WAYS[way](PICKED[picked](name))).round(3)
    assert find_copy(Column(values, 0.001), COLUMNS) is not None


@pytest.mark.parametrize("way", ["scaled", "shifted", "turned", "linear", "a logarithm"])
def test_copied_columns_beside_invented_group_sizes_are_blocked(way: str) -> None:
    some = ROWS.sample(150, random_state=4)
    text = n_beside({f"mean_{name}": WAYS[way](some[name]).round(3) for name in ("income", "debt")})
    assert "transformed_copy" in judged("t.csv", text, "mean")["blocks"]


@pytest.mark.parametrize("step", [10, 100, 250])
def test_rows_that_are_rounded_coarsely_are_blocked(step: int) -> None:
    some = ROWS.sample(60, random_state=5)
    rounded = {name: (step * np.round(some[name] / step)).astype(int) for name in ("income", "debt")}
    assert "transformed_copy" in judged("t.csv", n_beside(rounded), "mean")["blocks"]


def test_a_part_that_is_rounded_coarsely_is_found_by_its_order() -> None:
    part = ROWS[ROWS.district == "west"].income
    assert find_copy(Column((1000 * np.round(part / 1000)).to_numpy(), 1000.0), COLUMNS) is not None


@pytest.mark.parametrize("made", ["sum", "difference", "ratio"])
def test_what_two_columns_make_is_found(made: str) -> None:
    some = ROWS.sample(80, random_state=6)
    values = {
        "sum": (some.income + some.debt).round(2),
        "difference": (some.income - some.debt).round(2) * 1.1,
        "ratio": (some.income / some.debt).round(6),
    }[made]
    assert find_copy(Column(values.to_numpy(), 1e-6 if made == "ratio" else 0.001), COLUMNS) is not None


HIDDEN = (ROWS.income.sample(120, random_state=7) * 1.37).round(3).tolist()
EMBEDDED = {
    "a list": ("t.json", json.dumps({"n": 2980, "weights": HIDDEN})),
    "lists of lists": (
        "t.json",
        json.dumps({"n": 2980, "w": [HIDDEN[place : place + 6] for place in range(0, 120, 6)]}),
    ),
    "names": (
        "t.json",
        json.dumps({"n": 2980, "params": {f"w{place}": one for place, one in enumerate(HIDDEN)}}),
    ),
    "one row": (
        "t.csv",
        ",".join(f"w{place}" for place in range(120)) + "\n" + ",".join(map(str, HIDDEN)) + "\n",
    ),
    "a text": ("t.txt", "\n".join(f"weight {place}: {one}" for place, one in enumerate(HIDDEN))),
    "points of a drawing": (
        "t.svg",
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300">'
        + "".join(
            f'<circle cx="{one / 300:.5f}" cy="{place * 2}" r="1"/>' for place, one in enumerate(HIDDEN)
        )
        + "</svg>",
    ),
}


@pytest.mark.parametrize("where", EMBEDDED)
def test_a_copy_is_found_wherever_it_is_embedded(where: str) -> None:
    name, text = EMBEDDED[where]
    analysis = "scatter_plot" if name.endswith("svg") else "linear_regression"
    assert "transformed_copy" in judged(name, text, analysis)["blocks"]


def test_ranks_of_units_are_asked_about_and_a_row_a_unit_blocks() -> None:
    some = ROWS.sample(90, random_state=8)
    ranked = {f"score_{name}": some[name].rank().astype(int).to_numpy() for name in ("income", "debt")}
    assert "ranks" in judged("t.csv", n_beside(ranked), "mean")["asks"]
    every = n_beside({"score": ROWS.visits.rank().to_numpy()})
    assert "row_per_unit" in judged("t.csv", every, "mean")["blocks"]


def false_alarms(made: Callable[[np.random.Generator], Column], times: int) -> int:
    return sum(find_copy(made(np.random.default_rng(seed)), COLUMNS) is not None for seed in range(times))


HONEST_COLUMNS: dict[str, Callable[[np.random.Generator], Column]] = {
    "strangers": lambda draw: Column(draw.lognormal(9.5, 0.7, 200).round(2), 0.01),
    "uniform": lambda draw: Column(draw.uniform(0, 60_000, 100).round(1), 0.1),
    "means": lambda draw: Column(
        ROWS.groupby(draw.integers(0, 80, len(ROWS))).income.mean().round(2).to_numpy(), 0.01
    ),
    "counts": lambda draw: Column(5.0 * draw.integers(2, 400, 80), 5.0),
    "a grid": lambda draw: Column(np.cumsum(500.0 * draw.integers(1, 4, 60)), 500.0),
    "coefficients": lambda draw: Column(draw.normal(0, 3, 60).round(4), 0.0001),
}


@pytest.mark.parametrize("kind", HONEST_COLUMNS)
def test_honest_columns_are_no_copies(kind: str) -> None:
    """None of forty; the bound of chance is one in a million for each map's family."""
    assert false_alarms(HONEST_COLUMNS[kind], 15) == 0


def test_means_of_groups_do_not_agree_with_raw_rows() -> None:
    for seed in range(60):
        groups = ROWS.groupby(np.random.default_rng(seed).integers(0, 70, len(ROWS)))
        columns = [Column(groups[name].mean().round(-2).to_numpy(), 100.0) for name in ("income", "debt")]
        assert joint_rows(columns, COLUMNS) == 0


def test_columns_show_nothing_of_themselves() -> None:
    assert str(ROWS.income[0]) not in repr(COLUMNS) and "values" not in repr(COLUMNS.shapes[0])


# --- counts, curves, terms, texts

AT = "district,"
CURVE = np.cumsum(np.random.default_rng(9).integers(1, 5, 60))
HOSTILE: dict[str, tuple[str, str, str, str]] = {
    "negative counts": ("t.csv", "district,n\neast,-3\nwest,-760\n", "frequencies", "count_in_disguise"),
    "counts in thousands": ("t.csv", "district,n_thousands\neast,0.003\nwest,0.76\n", "frequencies", "count_in_disguise"),
    "counts with a point": ("t.csv", "district,n\neast,0.3\nwest,76.5\n", "mean", "count_in_disguise"),
    "stars": ("t.csv", "district,n\neast,***\nwest,*******\nnorth,**\n", "frequencies", "count_in_disguise"),
    "strokes": ("t.csv", "district,tally\neast,|||\nwest,|||||||\nnorth,||\n", "frequencies", "count_in_disguise"),
    "letters": ("t.csv", "district,x\neast,xxx\nwest,xxxxxxx\nnorth,xx\n", "mean", "count_in_disguise"),
    "strokes in a text": ("t.txt", "east  ■■■\nwest  ■■■■■■■\nnorth ■■■■\n", "frequencies", "count_in_disguise"),
    "spelled": ("t.csv", "district,n\neast,three\nwest,seven\n", "frequencies", "count_in_disguise"),
    "spelled in Chinese": ("t.csv", "城区,人数\n东,三\n西,七\n", "frequencies", "count_in_disguise"),
    "Roman": ("t.csv", "district,n\neast,III\nwest,VII\n", "frequencies", "count_in_disguise"),
    "spelled under another name": ("t.csv", "district,outcome\neast,three\nwest,seven\n", "frequencies", "count_in_disguise"),
    "shares of all": ("t.csv", "street,share\na,0.0007\nb,0.4\nc,0.5993\n", "proportion", "share_with_few"),
    "shares called values": ("t.csv", "street,x\na,0.001\nb,0.4\nc,0.599\n", "frequencies", "share_with_few"),
    "a ROC curve a person": (
        "t.csv",
        "point,tpr,fpr\n" + "".join(f"p{k},{c / CURVE[-1]:.6f},{k / 59:.4f}\n" for k, c in enumerate(CURVE)),
        "model_performance",
        "curve_step",
    ),
    "a Lorenz curve a person": (
        "t.csv",
        "share_of_people,share_of_income,n\n"
        + "".join(f"{k / 400:.4f},{(k / 400) ** 2:.5f},400\n" for k in range(401)),
        "lorenz_curve",
        "curve_step",
    ),
    "a step a person": (
        "t.csv",
        "days,survival,n\n" + "".join(f"{7 * k + k % 3},{1 - k / 90 * 0.9:.4f},90\n" for k in range(60)),
        "kaplan_meier",
        "curve_step",
    ),
    "effects of persons": (
        "t.csv",
        "term,estimate,nobs,df\n" + "".join(f"person effect {k},{k * 0.37 % 2:.3f},2980,2900\n" for k in range(30)),
        "mixed_model",
        "effects_of_units",
    ),
    "as many terms as units": (
        "t.csv",
        "term,coef,std_err,nobs,df_resid\n" + "".join(f"x{k},{k * 0.37 % 2:.3f},0.4,2980,2500\n" for k in range(400)),
        "linear_regression",
        "too_many_terms",
    ),
    "saturated interactions": (
        "t.csv",
        "term,coef,std_err,nobs,df_resid\nconst,2.1,0.2,2980,2900\ndistrict[east]:band[2]:visits[29],8.3,0.1,2980,2900\n",
        "linear_regression",
        "saturated_terms",
    ),
    "a term without an error": (
        "t.csv",
        "term,coef,std_err,nobs,df_resid\nconst,2.1,0.2,2980,2900\nx,8.3,0.0,2980,2900\nz,1.3,0.1,2980,2900\n",
        "linear_regression",
        "saturated_terms",
    ),
    "a tree with leaves of one": (
        "t.txt",
        "|--- income <= 99000.00\n|   |--- debt <= 5.00\n|   |   |--- class: 1\n|   |--- debt > 5.00\n"
        "|   |   |--- class: 0\n|--- income > 99000.00\n|   |--- class: 1\n",
        "decision_rules",
        "rule_of_few",
    ),
    "rules of one": (
        "t.csv",
        f"rule,prediction,n\nincome > {ROWS.income[0] - 0.5} and income <= {ROWS.income[0] + 0.5},1,40\nincome > 12003,0,800\n",
        "decision_rules",
        "rule_of_few",
    ),
    "the story of one": (
        "t.md",
        "A 34-year-old woman from Willow visited the doctor 29 times; she earns 15,320 a year and owes 31,100.\n",
        "documentation",
        "one_person",
    ),
    "the story of one in Chinese": (
        "t.md",
        "一名34岁女性，住在杨柳街，2024年3月5日确诊，她的年收入为15320元。\n",
        "documentation",
        "one_person",
    ),
    "values found": ("t.md", "Values found in income: 13321.2, 8812.9, 15510.4, 9921.7, 23110.9, 7710.3\n", "documentation", "value_list"),
    "a run of numbers": ("t.txt", "seed " + " ".join(str(k * 37 % 101) for k in range(30)) + "\n", "log", "value_list"),
    "a word a digit": (
        "t.csv",
        "district,n\n" + "".join(
            " ".join(("ash", "bay", "cod", "dew", "elm", "fig", "gum", "hop", "ivy", "jam")[int(d)] for d in f"{k * 733331 % 10**6:06}") + f",{500 + 5 * k}\n"
            for k in range(20)
        ),
        "frequencies",
        "coded_words",
    ),
    **{
        f"a few {name}": (
            "t.csv", f"district,{name},mean\neast,3,2.5\nwest,750,2.8\n", "mean", "small_count"
        )
        for name in ("subjects", "participants", "number", "Number of students", "denominator", "患者数", "频次", "样本数（人）", "人口")
    },
    **{
        f"{name}, an extreme": (
            "t.csv", f"district,{name},n\neast,88120.4,740\nwest,91417.3,760\n", analysis, code
        )
        for name, analysis, code in [
            ("top_1", "mean", "extreme_value"),
            ("biggest", "mean", "extreme_value"),
            ("peak_income", "mean", "extreme_value"),
            ("峰值", "mean", "extreme_value"),
            ("percentile_100", "percentile", "percentile_near_extreme"),
            ("第100百分位数", "percentile", "percentile_near_extreme"),
            ("p9999", "percentile", "percentile_near_extreme"),
            ("p001", "percentile", "percentile_near_extreme"),
            ("quantile_0.999", "percentile", "percentile_near_extreme"),
            ("q.999", "percentile", "percentile_near_extreme"),
        ]
    },
    "quantiles of pandas": (
        "t.csv", ",income,n\n0.0,3100.5,2980\n0.5,12400,2980\n1.0,91417.3,2980\n", "percentile", "percentile_near_extreme"
    ),
    "quantiles of groups": (
        "t.csv", "district,0,0.5,1,n\neast,3100.5,12400,88120.4,740\n", "percentile", "percentile_near_extreme"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_kind_is_blocked_or_asked_about_with_its_reason(kind: str) -> None:
    name, text, analysis, code = HOSTILE[kind]
    found = judged(name, text, analysis, "point,n\n" if analysis == "none" else None)
    assert code in found["blocks"] | found["asks"], found


HONEST: dict[str, tuple[str, str, str]] = {
    "suppressed counts": ("t.csv", "district,n\neast,*\nwest,760\nnorth,*\nsouth,740\n", "frequencies"),
    "stars of significance": (
        "t.csv",
        "term,coef,std_err,sig,nobs,df_resid\na,1.2,0.1,***,2980,2970\nb,0.4,0.2,*,2980,2970\nc,0.3,0.1,**,2980,2970\n",
        "linear_regression",
    ),
    "a reference category": (
        "t.csv",
        "term,coef,std_err,nobs,df_resid\neast,0,,2980,2970\nwest,0.4,0.2,2980,2970\neast:female,0.3,0.1,2980,2970\n",
        "linear_regression",
    ),
    "counts in thousands": ("t.csv", "district,n_thousands\neast,1.25\nwest,2.5\n", "frequencies"),
    "labels that are numerals": ("t.csv", "stage,n\nI,140\nII,155\nIII,160\nIV,150\n", "frequencies"),
    "labels that are words": ("t.csv", "年龄段,人数\n一,140\n二,155\n三,160\n", "frequencies"),
    "groups in prose": (
        "t.md",
        "Women aged 30 to 39 visited the doctor 2.9 times on average, men 2.1 times, in the district of the east.\n",
        "documentation",
    ),
    "what a model says": (
        "t.md",
        "For a 40-year-old woman the model predicts 2.9 visits a year on average; for a man 2.1.\n",
        "documentation",
    ),
    "categories": ("t.md", "district: east, west, north, south\nband: 1 to 5\nincome: yuan a year\n", "data_dictionary"),
    "a ROC curve of bins": (
        "t.csv",
        "threshold,tpr,fpr,n\n" + "".join(f"{k / 20:.2f},{1 - (k / 20) ** 2:.3f},{1 - (k / 20) ** 0.5:.3f},2980\n" for k in range(1, 20)),
        "model_performance",
    ),
    "deciles of a Lorenz curve": (
        "t.csv",
        "decile,share_of_income,n\n" + "".join(f"{k},{(k / 10) ** 2:.3f},300\n" for k in range(1, 10)),
        "lorenz_curve",
    ),
    "rules with enough": (
        "t.txt",
        "|--- income <= 12000.00\n|   |--- class: 1\n|--- income >  12000.00\n|   |--- class: 0\n",
        "decision_rules",
    ),
    "effects of districts": (
        "t.csv",
        "district,random_effect,n\n" + "".join(f"d{k},{k * 0.37 % 2:.3f},{300 + 5 * k}\n" for k in range(9)),
        "mean",
    ),
    "a list of steps": ("t.md", "Then: read, clean, group, average, round, suppress, write.\n", "documentation"),
    "a ranking of districts": (
        "t.csv",
        "district,n,mean,place\n" + "".join(f"d{k:02},{300 + 5 * k},{20 - k * 7 % 25},{k * 7 % 25 + 1}\n" for k in range(25)),
        "mean",
    ),
    **{
        f"counted as {name}": ("t.csv", f"{name},arm,mean\n740,a,2.5\n750,b,2.8\n", "mean")
        for name in ("学生数", "患者数", "样本数", "人口", "subjects", "# patients", "Number of students", "participants", "denominator")
    },
    "quartiles of pandas": ("t.csv", ",income,n\n0.25,9100,2980\n0.5,12400,2980\n0.75,16800,2980\n", "quartiles"),
    "percentiles with enough beyond": ("t.csv", "district,p5,q0.95,p975,n\neast,3100,28120,31000,740\n", "percentile"),
    "a share of the top": ("t.csv", "year,top_10_percent_share,n\n2023,0.31,2980\n", "concentration_ratio"),
    "a share at the peak": ("t.csv", "district,n,peak_hour_share\neast,740,0.31\nwest,760,0.29\n", "proportion"),
    "accuracies": ("t.csv", "model,top_1,top_5,n\na,0.61,0.84,1300\nb,0.64,0.86,1300\n", "model_performance"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HONEST)
def test_its_honest_twin_is_not_blocked(kind: str) -> None:
    assert judged(*HONEST[kind])["blocks"] == set()


# --- models, logs, lengths of lists

BIT = np.random.default_rng(10).integers(0, 2, 300).tolist()
ENDS = (ROWS.income.min(), ROWS.income.max())
TEXTS: dict[str, tuple[str, str, str, str]] = {
    "a line a row": ("log.txt", "".join("kept\n" if bit else "left out\n" for bit in BIT), "log", "text_pattern"),
    "a count of lines": ("log.txt", "try again\n" * 34, "log", "text_pattern"),
    "a mark a row": ("log.txt", "".join("F" if bit else "." for bit in BIT) + "\n", "log", "text_pattern"),
    "indented lines": ("log.txt", "".join(" " * 4 * bit + "step done\n" for bit in BIT), "log", "text_pattern"),
    "an exception": ("log.txt", f"ValueError: could not convert {ENDS[1]}\n", "log", "text_seen"),
    "a progress of training": ("log.txt", "".join(f"epoch {k} loss {k * 37 % 97 / 97:.4f}\n" for k in range(60)), "log", "text_seen"),
    "cells of a notebook": (
        "n.ipynb",
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
            {"cell_type": "code" if bit else "raw", "metadata": {}, "source": "pass", "outputs": []} for bit in BIT[:40]
        ]}),
        "code",
        "text_seen",
    ),
    "lengths of lists": ("t.json", json.dumps({"of": [[0] * (k * 7 % 9) for k in range(40)]}), "settings", "list_lengths"),
    "truths": ("t.json", json.dumps({"of": [bit == 1 for bit in BIT[:60]]}), "settings", "few_values"),
    "long labels": (
        "t.csv",
        "district,n\n" + "".join(f"{' '.join(3 * [chr(97 + k) * 9])},500\n" for k in range(19)),
        "frequencies",
        "free_labels",
    ),
    "moments": (
        "t.csv",
        "t,n\n" + "".join(f"{2000 + k * 7 % 20}-0{k * 5 % 9 + 1}-{k * 11 % 19 + 10} {10 + k % 9}:{k * 7 % 50 + 10}:{k * 11 % 50 + 10}.{k * 733331 % 10**6:06},500\n" for k in range(1, 20)),
        "mean",
        "free_labels",
    ),
    "both ends by other names": ("t.csv", f"measure,n,a,b\nincome,2980,{ENDS[0]},{ENDS[1]}\n", "mean", "extreme_value"),
    "axis ends": (
        "t.svg",
        f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><text y="20">{ENDS[0]}</text>'
        f'<text x="90" y="20">{ENDS[1]}</text></svg>',
        "line_chart",
        "extreme_value",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEXTS)
def test_what_spells_without_a_number_is_blocked_or_asked_about(kind: str) -> None:
    name, text, analysis, code = TEXTS[kind]
    found = judged(name, text, analysis)
    assert code in found["blocks"] | found["asks"], found


def model(tensors: dict[str, Any]) -> bytes:
    """As the library of safetensors writes it."""
    header, body = {}, b""
    kinds = {"float32": "F32", "float64": "F64", "int64": "I64"}
    for name, array in tensors.items():
        ends = [len(body), len(body) + array.nbytes]
        header[name] = {"dtype": kinds[str(array.dtype)], "shape": list(array.shape), "data_offsets": ends}
        body += array.tobytes()
    said = json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + body


DRAW = np.random.default_rng(11)
MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "several values in a number": ({"w": DRAW.integers(2**61, 2**62, 290)}, "model_too_large"),
    "names that spell": (
        {f"layer.{place * 733331 % 10**6}.w": np.ones(1, np.float32) for place in range(1, 90)},
        "model_names",
    ),
    "quantiles": ({"grid": np.quantile(ROWS.income, np.linspace(0.01, 0.99, 90))}, "ordered_numbers"),
    "the ends of a scaler": ({"data_min_": np.ones(2), "data_max_": np.ones(2)}, "extreme_value"),
    "the ends by other names": ({"lo": np.array([ENDS[0]]), "hi": np.array([ENDS[1]])}, "extreme_value"),
    "counts of few": ({"n_people": np.array([3, 740, 12])}, "model_small_count"),
    "raw rows": ({"support": ROWS[["income", "debt"]].head(100).to_numpy()}, "transformed_copy"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_hostile_model_is_blocked_or_asked_about_with_its_reason(kind: str) -> None:
    tensors, code = MODELS[kind]
    found = judged("m.safetensors", model(tensors), "linear_model")
    assert code in found["blocks"] | found["asks"], found


HONEST_MODELS: dict[str, dict[str, Any]] = {
    "a logistic regression": {"coef": DRAW.normal(size=(1, 8)), "intercept": DRAW.normal(size=1)},
    "a small network": {
        f"layers.{place}.{part}": DRAW.normal(size=shape).astype(np.float32)
        for place, rows in enumerate((8, 4))
        for part, shape in (("weight", (rows, 8)), ("bias", (rows,)))
    },
    "a layer that normalises": {
        "bn.weight": DRAW.normal(size=8),
        "bn.running_mean": DRAW.normal(size=8),
        "bn.num_batches_tracked": np.array(5),
    },
    "a scaler": {"mean_": np.array([12_345.6, 2.9]), "scale_": np.array([8_123.4, 3.1])},
}


@pytest.mark.parametrize("kind", HONEST_MODELS)
def test_an_honest_model_is_asked_about_as_any_model_is_and_not_more(kind: str) -> None:
    found = judged("m.safetensors", model(HONEST_MODELS[kind]), "linear_model")
    assert found["blocks"] == set() and found["asks"] == {"model_seen", "membership_untested"}


def test_the_reviewer_reads_what_rests_on_the_authors_word() -> None:
    counted = "district,n,mean_visits\neast,740,2.84\nwest,760,2.91\n"
    assert "authors_word" in judged("t.csv", counted, "mean")["notes"]
    behind = judged("t.csv", "district,mean_visits\neast,2.84\n", "mean", "district,n\neast,740\n")
    assert "authors_word" in behind["notes"]
    assert "authors_word" not in judged("t.md", "How we grouped residents.\n", "documentation")["notes"]


def test_a_drawing_is_looked_at_as_a_picture_is() -> None:
    """Also where its letters are drawn as paths, which no check reads."""
    path = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><path d="M10 10L20 90L30 10"/></svg>'
    assert "picture_seen" in judged("t.svg", path, "line_chart")["asks"]
    small = '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><path d="M1 1L2 9"/></svg>'
    assert "picture_small" in judged("t.svg", small, "line_chart")["blocks"]
