"""Is every refusal of a question told in Chinese, too? Each is made in both languages, where it is made."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sandbox.errors import CihuError, InvalidInput, QueryRefused
from sandbox.queries import bind, make_plan, parse
from sandbox.queries.refusal import KIND_ZH, TYPE_ZH
from sandbox.queries.types.scope import Scope
from sandbox.queries.types.value_ranges import EXAMPLES
from story import DATASET, POLICIES, VERSION

HERE = Path(__file__).parent
SANDBOX = HERE.parent.parent / "sandbox"
CASES = YAML(typ="safe").load((HERE.parent / "cases" / "questions.yaml").read_text("utf-8"))
CHINESE = re.compile("[\u4e00-\u9fff]")
ENGLISH = re.compile(r"\b(The|An?|it|its|cannot|the|unit's|please|here|write|use)\b")
KINDS = {kind.__name__ for kind in (CihuError, *CihuError.__subclasses__())}


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["sql"][:60])
def test_every_refused_question_is_refused_in_chinese(case: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidInput) as refusal:
        make_plan(bind(parse(case["sql"]), Scope(DATASET)), VERSION)
    message, remedy = refusal.value.words("zh")
    assert CHINESE.search(message) and CHINESE.search(remedy)
    assert not ENGLISH.search(message) and not ENGLISH.search(remedy), (message, remedy)
    if isinstance(refusal.value, QueryRefused) and (place := refusal.value.position):
        assert f"（第 {place.line} 行第 {place.column} 列）：" in message


def calls(*names: str) -> Iterator[tuple[str, ast.Call, set[str]]]:
    """Every call of these names in the sandbox: where it stands, and which arguments it names."""
    for file in sorted(SANDBOX.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = (
                getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            )
            if isinstance(node, ast.Call) and called in names:
                yield (
                    f"{file.relative_to(SANDBOX)}:{node.lineno}",
                    node,
                    {one.arg or "**" for one in node.keywords},
                )


def test_no_refusal_of_a_query_can_be_made_without_chinese() -> None:
    made = list(calls("QueryRefused"))
    assert len(made) > 20
    assert [place for place, _, named in made if not {"instead", "why_zh", "instead_zh"} <= named] == []


def test_every_other_error_on_the_way_of_a_question_is_made_in_both_languages() -> None:
    made = [
        (place, call, named)
        for place, call, named in calls(*KINDS)
        if place.startswith(("queries/", "releases/", "engines/"))
    ]
    assert len(made) > 10
    assert [
        place
        for place, _, named in made
        if "zh" not in named or ("remedy" in named) != ("remedy_zh" in named)
    ] == []


def test_what_is_written_as_chinese_is_chinese() -> None:
    """A literal given as Chinese holds some; what is put together at run time is seen by the cases."""
    for place, call, _ in calls("QueryRefused", *KINDS):
        for one in call.keywords:
            if one.arg in ("why_zh", "instead_zh", "zh", "remedy_zh") and isinstance(one.value, ast.Constant):
                assert CHINESE.search(str(one.value.value)), (place, one.arg)
    for place, call, _ in [*calls("refuse"), *calls("refused")]:
        if place.startswith("queries/") and len(call.args) == 5:
            for one in call.args[3:]:
                text = "".join(str(part.value) for part in ast.walk(one) if isinstance(part, ast.Constant))
                assert CHINESE.search(text) or isinstance(one, ast.Name), place


def test_every_type_and_every_kind_of_unit_has_a_chinese_name() -> None:
    from sandbox.catalog.model import Type

    schema = YAML(typ="safe").load((POLICIES / "dataset.schema.json").read_text("utf-8"))
    assert set(TYPE_ZH) == set(EXAMPLES) == set(Type)
    assert set(KIND_ZH) == set(schema["properties"]["unit"]["properties"]["kind"]["enum"])
    assert all(CHINESE.search(word) for word in (*TYPE_ZH.values(), *KIND_ZH.values()))
