"""How the client shows what the vault said: tables, charts, frames, budgets, in both languages,
from any document."""

import re
import string
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import cihu
import pytest
from cihu.chart import ticks
from cihu.completion import place_of
from cihu.messages import WORDS, from_environment
from cihu.private_sql import split_line
from cihu.question import question

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    cihu.language("en")
    yield
    cihu.language("en")


def answer(rows: int = 2, **more: Any) -> cihu.Answer:
    """An answer of the vault's shape, with a name and a value that would break careless HTML."""
    return cihu.Answer(
        "SELECT …",
        {
            "dataset": "health.visits",
            "version": 1,
            "answer_id": "a-1",
            "log_index": 4,
            "stored": False,
            "columns": [
                {"name": "区", "kind": "key", "type": "text"},
                {"name": "n", "kind": "count", "type": "number"},
                {"name": "<b>", "kind": "average", "type": "number", "measured_in": "visits"},
            ],
            "rows": [[f"<i>铁山区{at}" if at else None, 100 + at, 2.5 if at else None] for at in range(rows)],
            "errors": [
                {
                    "n": {"standard_error": 7.1, "low": 86 + at, "high": 114 + at},
                    "<b>": {"standard_error": 0.5, "low": 1.5, "high": 3.5} if at else {"note": "too few"},
                }
                for at in range(rows)
            ],
            "price": {"epsilon": 0.2, "delta": 1e-6, "percent_of_grant": 3.2, "grant_percent_used": 12.0},
            "notes": ["A & B."],
        }
        | more,
    )


def test_every_sentence_is_there_in_both_languages_with_the_same_parts() -> None:
    for word, (chinese, english) in WORDS.items():
        parts = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (chinese, english)
        ]
        assert parts[0] == parts[1], word
        assert not CHINESE.search(english), word
        assert CHINESE.search(chinese) or word == "interval", word


def test_an_answer_is_shown_with_its_errors_its_cost_and_its_notes_and_nothing_of_it_is_markup() -> None:
    html, text = answer()._repr_html_(), repr(answer())
    for said in (
        "± 7.1",
        "95 %: 87.0 … 115.0",
        "3.2 % of the grant",
        "88 % of the grant is left",
        "too few",
        "NULL",
    ):
        assert said in text, said
    assert (
        "<i>铁山区" not in html
        and "&lt;i&gt;铁山区1" in html
        and "&lt;b&gt;" in html
        and "A &amp; B." in html
    )
    assert html.count('class="strip"') == 3, "one for each value that has an interval"


def test_an_answer_that_was_free_says_so_in_both_languages() -> None:
    stored = answer(stored=True)
    assert (
        "Answered before: free; 88 % of the grant is left." in repr(stored)
        and '"badge">free<' in stored._repr_html_()
    )
    cihu.language("zh")
    assert "以前回答过：免费；授权还剩 88 %。" in repr(stored) and '"badge">免费<' in stored._repr_html_()


def test_what_the_vault_says_beside_an_answer_is_shown_in_the_persons_language_or_else_in_english() -> None:
    both = answer(
        errors=[{"n": {}, "<b>": {"note": "too few", "note_zh": "太少"}}, {}], notes_zh=["甲与乙。"]
    )
    explained = cihu.Explanation("SELECT …", {"epsilon": 0.1, "notes": ["A & B."], "notes_zh": ["甲与乙。"]})
    assert "too few" in repr(both) and both.notes == explained.notes == ["A & B."]
    cihu.language("zh")
    assert (
        "太少" in repr(both) and "too few" not in repr(both) and both.notes == explained.notes == ["甲与乙。"]
    )
    assert "too few" in repr(answer()) and answer().notes == ["A & B."]


def test_a_long_answer_is_shown_in_part_and_is_whole_in_its_frame() -> None:
    long = answer(100)
    assert "40 more rows: see .df." in repr(long) and long._repr_html_().count("<tr>") == 61
    assert len(long.df) == 100
    assert "No row is left" in repr(answer(0)) and len(answer(0).df) == 0


def test_a_frame_has_the_errors_beside_below_or_not_at_all() -> None:
    assert list(answer().df.columns) == [
        "区",
        "n",
        "n_error",
        "n_low",
        "n_high",
        "<b>",
        "<b>_error",
        "<b>_low",
        "<b>_high",
    ]
    assert list(answer().to_pandas(errors="none").columns) == ["区", "n", "<b>"]
    levels = answer().to_pandas(errors="levels")
    assert list(levels["n"].columns) == ["value", "error", "low", "high"] and levels["n"]["low"].tolist() == [
        86,
        87,
    ]
    with pytest.raises(cihu.CihuError, match="not a way to show errors"):
        answer().to_pandas(errors="yes")


def test_a_chart_is_well_formed_has_a_bar_and_a_whisker_for_each_group_and_ends_inside_its_axis() -> None:
    chart = answer(4).plot()
    drawn = ElementTree.fromstring(chart.svg)
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}rect")) == len(drawn.findall(f"{space}path")) == 4
    assert chart.ticks[0] == 0 and chart.ticks[-1] >= 117
    assert "NULL" in chart.svg and "铁山区3" in repr(chart)


def test_a_group_without_a_value_is_drawn_without_a_bar_and_an_unknown_value_is_refused() -> None:
    assert answer(3).plot("<b>").svg.count("<rect") == 2
    with pytest.raises(cihu.CihuError, match=r"There are: n, <b>"):
        answer().plot("missing")


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 0), (-3.5, 0), (-7, 12345), (0, 1e-9), (0, 1e12), (0, 5)]
)
def test_ticks_are_few_and_hold_all_values(low: float, high: float) -> None:
    made = ticks(low, high)
    assert made[0] <= low and made[-1] >= high and 2 <= len(made) <= 8 and made == sorted(set(made))


def test_a_budget_shows_what_is_left_and_who_spent_it_and_keeps_silent_of_what_it_was_not_told() -> None:
    level = {
        "level": "grant",
        "key": "lake/health.visits",
        "picorho_limit": 200,
        "picorho_spent": 50,
        "epsilon_limit": 4.0,
        "epsilon_spent": 1.9,
        "percent_used": 25.0,
    }
    wide = level | {
        "level": "dataset",
        "key": "health.visits",
        "of": "team",
        "picorho_limit": 1000,
        "picorho_left": 150,
        "percent_used": 5.0,
        "delta_left": 6e-9,
        "delta_limit": 1e-7,
    }
    grant = {
        "grant": 3,
        "dataset": "health.visits",
        "team": "lake",
        "status": "live",
        "until": "2027-01-21T00:00:00+00:00",
        "levels": [level, wide],
        "keys_left": 60,
        "spent": {
            "people": [{"who": "wang", "questions": 2, "picorho": 50}],
            "questions": [
                {
                    "answer_id": "a",
                    "who": "wang",
                    "at": "2026-11-22T20:00:00+00:00",
                    "sql": "SELECT\n  <x>",
                    "picorho": 40,
                    "status": "failed",
                    "grant": 3,
                }
            ],
        },
    }
    shown = cihu.Budget([grant])
    assert "wang: 2 questions, 25 % of the grant" in repr(shown) and "75 %" in repr(shown)
    assert "your team's part" in repr(shown) and "15 %" in repr(shown) and "6e-09 / 1e-07" in repr(shown)
    assert "60 more expressions" in repr(shown) and "60 more expressions" in shown._repr_html_()
    assert "20 % (failed, stays charged)" in repr(shown) and "SELECT &lt;x&gt;" in shown._repr_html_()
    assert shown.questions.percent_of_grant.tolist() == [20.0]
    assert len(cihu.Budget([grant, grant | {"grant": 2}]).questions) == 1, "several grants share one account"
    untold = cihu.Budget([grant | {"spent": None}])
    assert "wang" not in repr(untold) and untold.questions.empty
    assert "no grant yet" in repr(cihu.Budget([]))


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (("SELECT 1", 0.1, None, None), {"sql": "SELECT 1", "epsilon": "0.1"}),
        (("SELECT 1", None, 0.05, 7), {"sql": "SELECT 1", "error": 0.05, "grant": 7}),
    ],
)
def test_a_question_is_sent_as_it_was_given(given: tuple[Any, ...], body: dict[str, Any]) -> None:
    assert question(*given) == body


@pytest.mark.parametrize(
    ("line", "options", "sql"),
    [
        ("--epsilon 0.5 --explain SELECT 'a b' AS \"c\"", "--epsilon 0.5 --explain", "SELECT 'a b' AS \"c\""),
        ("SELECT x - -y FROM t -- --epsilon 3", "", "SELECT x - -y FROM t -- --epsilon 3"),
        ("--grant=4 SELECT 1", "--grant=4", "SELECT 1"),
    ],
)
def test_the_options_of_a_line_end_where_its_sql_begins(line: str, options: str, sql: str) -> None:
    head, rest = split_line(line)
    assert (head.strip(), rest.strip()) == (options, sql)


@pytest.mark.parametrize(
    "cell",
    ["cihu.sql('SELECT 1')|", "print('SELECT y|')", "cihu.sql('SELECT 1'\nx = y|", "private_sql\nSELECT|"],
)
def test_outside_of_sql_nothing_is_proposed(cell: str) -> None:
    assert place_of(cell.replace("|", ""), cell.index("|")) is None


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"CIHU_LANGUAGE": "zh", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_ALL": "zh-CN"}, "zh"),
        ({}, "en"),
        ({"CIHU_LANGUAGE": "fr", "LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_is_the_workspaces_else_the_locales(environment: dict[str, str], language: str) -> None:
    assert from_environment(environment) == language


def test_a_language_that_is_not_there_is_refused() -> None:
    with pytest.raises(cihu.CihuError, match="There is no language 'fr'"):
        cihu.language("fr")


def test_the_place_of_a_refusal_is_marked_below_its_line() -> None:
    said = str(cihu.CihuError("Not so.", query="SELECT\n  * FROM x", position=(2, 3), remedy="SUM"))
    assert said.splitlines() == ["Not so.", "      * FROM x", "      ^", "Instead: SUM"]
    assert str(cihu.CihuError("Not so.", query="SELECT", position=(9, 3))) == "Not so."


def test_a_price_is_shown_by_output_with_the_noise_as_people_and_how_rows_are_bounded() -> None:
    told = {
        "epsilon": 0.2,
        "delta": 1e-6,
        "outputs": [
            {
                "name": "n",
                "kind": "count",
                "standard_error": 3.5,
                "plus_minus_95": 7.0,
                "percent_of_a_typical_cell": 1.5,
                "noise_in_units": 13.25,
                "epsilon": 0.125,
            }
        ],
        "bounding": ["One row each."],
        "bounding_zh": ["每人一行。"],
        "percent_used_after": {"dataset": 12.5, "population": 3.0},
    }
    shown = repr(cihu.Explanation("SELECT …", told))
    for said in ("13.2", "0.125", "One row each.", "of the dataset's budget, 3 % of the population's"):
        assert said in shown, said
    cihu.language("zh")
    assert "每人一行。" in repr(cihu.Explanation("SELECT …", told)) and "人群预算" in repr(
        cihu.Explanation("SELECT …", told)
    )
