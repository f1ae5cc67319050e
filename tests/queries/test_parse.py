"""What can be asked and what is refused: pairs of SQL and outcome, read from tests/cases/questions.yaml."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.errors import InvalidInput
from sandbox.queries import bind, digest, make_plan, parse
from story import POLICIES, POLICY

CASES = YAML(typ="safe").load((Path(__file__).parent.parent / "cases" / "questions.yaml").read_text("utf-8"))
DATASET = read_policy(POLICY, schema=POLICIES / "dataset.schema.json")
VERSION = Version("clinic.visits", 1, DATASET, "o", "v", "s", "lin", datetime(2026, 1, 1, tzinfo=UTC))


def plan(sql: str):  # type: ignore[no-untyped-def]
    return make_plan(bind(parse(sql), DATASET), VERSION)


@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["sql"][:60])
def test_what_can_be_asked_needs_these_totals(case: dict) -> None:  # type: ignore[type-arg]
    assert [total.name for total in plan(case["sql"]).totals] == case["totals"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["sql"][:60])
def test_everything_else_is_refused_by_name_with_a_mend(case: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidInput) as refusal:
        plan(case["sql"])
    assert case["names"] in refusal.value.message
    assert refusal.value.mend


@pytest.mark.parametrize("pair", CASES["same"])
def test_the_same_question_has_one_digest(pair: list[str]) -> None:
    assert digest(plan(pair[0])) == digest(plan(pair[1]))


@pytest.mark.parametrize("pair", CASES["different"])
def test_another_question_has_another_digest(pair: list[str]) -> None:
    assert digest(plan(pair[0])) != digest(plan(pair[1]))


def test_a_refusal_says_line_and_column() -> None:
    with pytest.raises(InvalidInput, match="line 2, column 16"):
        plan("SELECT COUNT(*)\nFROM   (SELECT 1) x")


@pytest.mark.parametrize("sql", ["(" * 5000, "SELECT " + "NOT " * 3000 + "1", "x" * 30_000, "\x00", "SELECT '", "😀"])
def test_hostile_text_is_refused_and_never_an_exception_of_another_kind(sql: str) -> None:
    with pytest.raises(InvalidInput):
        plan(sql)
