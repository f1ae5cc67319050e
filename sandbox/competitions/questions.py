"""Named private questions as entries: checked and priced by the planner, and tried on stand-in rows. A jury
judges them, as it judges documents, and a winner's becomes a product.

Nothing here touches data or spends: a question's answers leave only where they are bought (releases).
"""

import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.api_schema import ExactInt
from sandbox.catalog import Version
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.stand_in import stand_in
from sandbox.competitions.document import Track
from sandbox.engines.duckdb import compute
from sandbox.errors import CihuError, InvalidInput
from sandbox.plain_text import PlainText
from sandbox.privacy import LEAST_EPSILON, MOST_EPSILON
from sandbox.queries import Plan, bind, make_plan, parse, price_within
from sandbox.queries.plan.bounds_estimation import bounds_to_buy
from sandbox.queries.plan.cost import require_affordable
from sandbox.queries.template import Scalar, bind_template, require_declared
from sandbox.queries.tree import InPublic, Question, names_in, walk
from sandbox.queries.types.scope import Scope
from sandbox.releases.response_time import require_in_time

MOST_SQL = 4000
MOST_VALUES = 100
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")

Value = bool | ExactInt | float | PlainText


class QuestionParameter(BaseModel):
    """What a buyer may choose: one of `values`, or a value of `range`. Dates are texts such as 2026-03-01."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    type: Literal["integer", "text", "boolean", "date", "number"]
    values: Annotated[list[Value], Field(min_length=1, max_length=MOST_VALUES)] | None = None
    range: Annotated[list[Value], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def one_way(self) -> "QuestionParameter":
        if (self.values is None) == (self.range is None):
            raise ValueError("either values or range")
        if self.range is not None and self.type in ("text", "boolean"):
            raise ValueError("texts and booleans have values, and no range")
        low, high = self.ends
        if self.range is not None and high < low:  # type: ignore[operator]  # of one type
            raise ValueError("the range ends before it begins")
        return self

    @property
    def ends(self) -> tuple[Scalar, Scalar]:
        """The first and the last value. Raises `ValueError` for one of another type."""
        every = [_typed(value, self.type) for value in self.values or self.range or ()]
        return every[0], every[-1]


class NamedQuestion(BaseModel):
    """A question that a team proposes: `purpose` says whom its answers help, `epsilon` what one answer may
    lose."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[PlainText, Field(min_length=1, max_length=200)]
    purpose: Annotated[PlainText, Field(min_length=1, max_length=20_000)]
    sql: Annotated[PlainText, Field(min_length=1, max_length=MOST_SQL)]
    parameters: Annotated[list[QuestionParameter], Field(max_length=10)] = []
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]


def checked_question(
    repository: DatasetRepository, track: Track, content: Mapping[str, Any]
) -> dict[str, Any]:
    """The content as it is kept, with its dataset and price. Raises `InvalidInput`, `QueryRefused`: it is not
    taken, and costs nothing."""
    try:
        question = NamedQuestion.model_validate(content)
    except ValidationError as error:
        raise _wrong_fields(error) from None
    require_declared(question.sql, [one.name for one in question.parameters])
    if not LEAST_EPSILON <= Fraction(question.epsilon) <= MOST_EPSILON:
        raise InvalidInput(
            "epsilon must lie between 0.000001 and 1000.",
            code="entry_content",
            remedy="Common values are 0.05 to 1.",
            zh="epsilon 应在 0.000001 与 1000 之间。",
            remedy_zh="常用 0.05 至 1。",
        )
    first = {one.name: one.ends[0] for one in question.parameters}
    last = {one.name: one.ends[1] for one in question.parameters}
    plan = _plan(repository, track, bind_template(question.sql, first))
    _plan(repository, track, bind_template(question.sql, last))
    _try_out(plan)
    budget = plan.version.policy.budget
    assert budget is not None, "bind refuses datasets without a unit, and those with one have a budget"
    price = price_within(plan, budget.loss(Fraction(question.epsilon)))
    return question.model_dump(exclude_none=True) | {
        "dataset": plan.version.dataset,
        "price": {
            "picorho": sum(share.loss.picorho for share in price.shares),
            "cells": plan.cells,
            "outputs": [output.name for output in plan.outputs],
        },
    }


def question_text(content: Mapping[str, Any]) -> str:
    """As jurors read it."""
    parameters = [
        f"- :{one['name']} ({one['type']}): "
        + (" .. " if "range" in one else ", ").join(str(value) for value in one.get("range") or one["values"])
        for one in content["parameters"]
    ]
    parts = [
        f"# {content['title']}",
        content["purpose"],
        f"{content['dataset']}, epsilon {content['epsilon']}",
        f"```sql\n{content['sql']}\n```",
        "\n".join(parameters),
    ]
    return "\n\n".join(part for part in parts if part)


def _typed(value: Value, type: str) -> Scalar:
    """Raises `ValueError`."""
    match type:
        case "integer" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "number" if not isinstance(value, bool) and NUMBER.fullmatch(str(value)):
            return float(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            return date.fromisoformat(value)
        case "text" if isinstance(value, str):
            return value
    raise ValueError(f"{value!r} is of another type than {type}")


def _plan(repository: DatasetRepository, track: Track, sql: str) -> Plan:
    """Raises `QueryRefused` for what the planner refuses, `InvalidInput` for what a product cannot be."""
    question = parse(sql)
    data = next((one for one in track.datasets if one.dataset == question.dataset), None)
    if data is None or question.joins or any(isinstance(node, InPublic) for node in walk(question)):
        raise InvalidInput(
            "A question of this track asks one of its datasets alone.",
            code="question_outside_track",
            remedy=f"Ask one of {', '.join(one.dataset for one in track.datasets)}, without joins.",
            zh="本赛道的问题须只查询其中一个数据集。",
            remedy_zh=f"请查询 {'、'.join(one.dataset for one in track.datasets)} 之一，不联表。",
        )
    version = repository.usable(data.dataset)
    scope = Scope(version.policy)
    bound = bind(question, scope)
    _require_features(bound, version, data.askable)
    if bounds_to_buy(question, version, scope):
        raise _not_public("bounds of a column", "栏目的边界")
    plan = make_plan(bound, version, scope)
    if plan.discoveries:
        raise _not_public("groups", "分组值")
    require_affordable(plan)
    require_in_time(plan)
    return plan


def _require_features(bound: Question, version: Version, allowed: set[str]) -> None:
    unit = version.policy.unit
    known = allowed | ({unit.column} if unit is not None else set())
    if outside := sorted({name.text for name in names_in(bound)} - known):
        raise InvalidInput(
            f"The column {outside[0]} is no feature of this track.",
            code="question_outside_track",
            remedy=f"Use some of {', '.join(sorted(allowed))}.",
            zh=f"栏目 {outside[0]} 不是本赛道的特征。",
            remedy_zh=f"可用：{'、'.join(sorted(allowed))}。",
        )


def _not_public(what: str, what_zh: str) -> InvalidInput:
    return InvalidInput(
        f"The question needs {what} that are not public, and each answer of a product has one price.",
        code="question_not_priced",
        remedy="Group by columns whose values the policy lists, and aggregate those that have bounds.",
        zh=f"该问题需要未公开的{what_zh}，而产品的每次回答须有固定价格。",
        remedy_zh="请按策略列出取值的栏目分组，并只汇总有边界的栏目。",
    )


def _try_out(plan: Plan) -> None:
    """On rows that are invented from the public policy. Raises `InvalidInput`."""
    try:
        compute(plan, stand_in(plan.version))
    except CihuError:
        raise
    except Exception as error:  # noqa: BLE001  # of whatever kind: of invented rows
        raise InvalidInput(
            "The question gives no answer on stand-in rows.",
            code="question_does_not_run",
            remedy="Try it in a notebook on stand-in rows, and write it more simply.",
            internal=type(error).__name__,
            zh="该问题在替代数据上无法得出结果。",
            remedy_zh="请先在笔记本中用替代数据试算，并简化写法。",
        ) from None


def _wrong_fields(error: ValidationError) -> InvalidInput:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the entry"
    return InvalidInput(
        f"{where}: {first['msg']}.",
        code="entry_content",
        remedy="Send `title`, `purpose`, `sql`, `epsilon` and `parameters`: each with name, type, and values "
        "or range.",
        zh=f"字段 {where} 不符合要求。",
        remedy_zh="请填写 title、purpose、sql、epsilon 和 parameters；每个参数含 name、type，"
        "以及 values 或 range。",
    )
