"""What can be asked and what is refused: pairs of SQL and outcome, read from tests/cases/questions.yaml."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlglot.dialects.dialect import Dialect

from sandbox.errors import InvalidInput, QueryRefused
from sandbox.queries import bind, digest, make_plan, parse
from sandbox.queries.parse.equivalents import EQUIVALENTS, NAMED
from sandbox.queries.types.scope import Scope
from sandbox.releases.prepare import read_question
from story import DATASET, VERSION

CASES = YAML(typ="safe").load((Path(__file__).parent.parent / "cases" / "questions.yaml").read_text("utf-8"))


def plan(sql: str):  # type: ignore[no-untyped-def]
    return make_plan(bind(parse(sql), Scope(DATASET)), VERSION)


@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["sql"][:60])
def test_what_can_be_asked_needs_these_totals(case: dict) -> None:  # type: ignore[type-arg]
    assert [total.name for total in plan(case["sql"]).totals] == case["totals"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["sql"][:60])
def test_everything_else_is_refused_by_name_with_a_remedy(case: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidInput) as refusal:
        plan(case["sql"])
    assert case["names"] in refusal.value.message
    assert refusal.value.remedy


@pytest.mark.parametrize("pair", CASES["same"])
def test_the_same_question_has_one_digest(pair: list[str]) -> None:
    assert digest(plan(pair[0])) == digest(plan(pair[1]))


@pytest.mark.parametrize("pair", CASES["different"])
def test_another_question_has_another_digest(pair: list[str]) -> None:
    assert digest(plan(pair[0])) != digest(plan(pair[1]))


REFUSED = (
    ("BOOL_OR(smoker)", "BOOL_AND(smoker)", "EVERY(smoker)", "FSUM(visits)", "FAVG(visits)", "COUNT_STAR()"),
    (
        "note COLLATE NOCASE = 'a'",
        "REGEXP_MATCHES(note, 'a')",
        "note GLOB 'a*'",
        "note SIMILAR TO 'a'",
        "REGEXP_REPLACE(note, 'a', 'b') = 'b'",
        "TRANSLATE(note, 'a', 'b') = 'b'",
        "MID(note, 1, 2) = 'a'",
        "FMOD(visits, 2) = 1",
        "SQUARE(visits) > 4",
        "DATE(day) = DATE '2026-01-01'",
        "DECADE(day) = 202",
        "CENTURY(day) = 21",
    ),
)
STANDS_FOR = {"x": "visits", "s": "note", "c": "smoker", "d": "day"}


@pytest.mark.parametrize("refused", [said for group in REFUSED for said in group])
def test_what_a_refusal_says_to_write_can_be_asked(refused: str) -> None:
    aggregate = refused in REFUSED[0]

    def asked(said: str) -> str:
        return f"SELECT {said} AS v" if aggregate else f"SELECT COUNT_IF({said}) AS v"

    with pytest.raises(QueryRefused) as refusal:
        plan(f"{asked(refused)} FROM clinic.visits")
    written = (refusal.value.remedy or "").removeprefix("Write ").removesuffix(".")
    assert written in {*EQUIVALENTS.values(), *NAMED.values()}
    written = re.sub(r"\b[xscd]\b", lambda name: STANDS_FOR[name.group()], written)
    compared = "" if aggregate or "LIKE" in written or "=" in written else " IS NOT NULL"
    assert plan(f"{asked(f'({written}){compared}')} FROM clinic.visits").totals


def test_a_refusal_says_line_and_column() -> None:
    with pytest.raises(InvalidInput, match="line 2, column 28"):
        plan("SELECT COUNT(*)\nFROM   clinic.visits WHERE REGEXP_MATCHES(note, 'a')")


@pytest.mark.parametrize(
    "sql", ["(" * 5000, "SELECT " + "NOT " * 3000 + "1", "x" * 30_000, "\x00", "SELECT '", "😀"]
)
def test_hostile_text_is_refused_and_never_an_exception_of_another_kind(sql: str) -> None:
    with pytest.raises(InvalidInput):
        plan(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM clinic.visits@{}",
        'SELECT COUNT(*) FROM clinic."visits@{}" AS v WHERE v.year = 1',
        "SELECT COUNT(*) FROM (SELECT * FROM clinic.visits@{} AS a) AS q",
        (
            "SELECT COUNT(*) FROM clinic.visits WHERE person IN (SELECT person "
            "FROM clinic.visits@{} WHERE smoker)"
        ),
        "WITH a AS (SELECT * FROM clinic.visits@{}) SELECT COUNT(*) FROM a",
        "SELECT COUNT(*) FROM clinic.visits AS a JOIN clinic.visits@{} AS b ON a.person = b.person",
    ],
)
def test_a_version_that_is_asked_for_by_number_is_the_current_one_or_refused(sql: str) -> None:
    current = VERSION.number
    read_question(sql.format(current), version_of=lambda _: VERSION)
    for other in (0, current + 1, 10**8):
        with pytest.raises(
            QueryRefused, match=rf"clinic\.visits@{other}.*it is clinic\.visits@{current}"
        ) as refusal:
            read_question(sql.format(other), version_of=lambda _: VERSION)
        assert refusal.value.remedy and refusal.value.remedy_zh


def test_no_function_with_any_number_of_arguments_is_an_error_of_the_program() -> None:
    """Every function that the dialect's parser knows, over columns, texts and numbers."""
    said = [
        f"{name}({', '.join(arguments[:many])})"
        for name in sorted(Dialect.get_or_raise("duckdb").parser_class.FUNCTIONS)
        for many in range(4)
        for arguments in (("cost", "visits", "year"), ("day", "'month'", "1"))[: 2 if many else 1]
    ]
    for one in said:
        with suppress(InvalidInput):
            parse(f"SELECT {one} FROM clinic.visits")
