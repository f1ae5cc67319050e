"""Binds the names and types of a question to the dataset's policy.
A question that passes cannot fail on any row."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from sandbox.catalog.model import DatasetPolicy, Role, Type
from sandbox.errors import QueryRefused
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.expression_sql import ExpressionWriter
from sandbox.queries.parse.answer_windows import over_groups
from sandbox.queries.parse.expressions import MOST_LETTERS, TO_THE_END
from sandbox.queries.plan.partition_selection import partition_selection_of
from sandbox.queries.refusal import KIND_ZH, TYPE_ZH, place_of
from sandbox.queries.tree import (
    Aggregate,
    Aggregation,
    AnswerWindow,
    Arithmetic,
    Case,
    Coalesce,
    Compare,
    Comparison,
    DateDiff,
    Expression,
    Grain,
    In,
    InPublic,
    IsNull,
    Join,
    Literal,
    Name,
    Not,
    Operator,
    Question,
    Round,
    Slice,
    UnitAggregate,
    UnitKey,
    UnitValue,
    all_of,
    rewritten,
    walk,
)
from sandbox.queries.types.finite_domains import public_values
from sandbox.queries.types.limits import limits_of
from sandbox.queries.types.number_kinds import with_exact_numbers
from sandbox.queries.types.released_type import released_type
from sandbox.queries.types.scope import PrivateTable, Scope, usable
from sandbox.queries.types.text_cost import width_of
from sandbox.queries.types.value_ranges import MOST_KEY_VALUES, bounded, range_of
from sandbox.queries.types.width_limits import refuse_broken_texts, refuse_too_wide, refuse_wide_parts

OF_TWO = (
    Aggregation.COVARIANCE,
    Aggregation.COVARIANCE_POP,
    Aggregation.CORRELATION,
    Aggregation.SLOPE,
    Aggregation.INTERCEPT,
)


def bind(question: Question, scope: Scope) -> Question:
    """Check every name, role and type; returns the question with the dataset of every name,
    and dates as dates.

    Strict types matter: an engine that compares a text column with a number casts the column, and a cast of a
    row's value can fail. A failure would disclose something about the row. Raises `QueryRefused`.
    """
    if scope.policy.unit is None:
        raise QueryRefused(
            f"A private question on {scope.policy.dataset}",
            "it is open data without a privacy unit.",
            instead=(
                "Ask it with open datasets alone, which is exact and free; to join it with a private one, "
                "put the private one after FROM and the open one after JOIN or LEFT JOIN."
            ),
            construct_zh=f"对 {scope.policy.dataset} 的隐私提问",
            why_zh="它是开放数据，没有保护对象。",
            instead_zh="请只与开放数据集一起提问，精确且免费；若要与私有数据集联表，"
            "请把私有的写在 FROM 之后，开放的写在 JOIN 或 LEFT JOIN 之后。",
        )
    refuse_broken_texts(question)
    _check_names(question, scope)
    question = rewritten(question, lambda node: _lookups(node, scope))
    question = rewritten(
        question,
        lambda node: _of_unit(node, question.dataset, scope) if isinstance(node, UnitValue) else node,
    )
    question = rewritten(
        question, lambda node: scope.owner(node) if isinstance(node, Name) and node.dataset == "?" else node
    )
    question = with_exact_numbers(question, scope)
    question = rewritten(question, lambda node: fitted(node, scope))
    joins = tuple(
        replace(join, left=rewritten(join.left, lambda node: _unit_of_first(node, scope)))
        for join in question.joins
    )
    _check_joins(joins, scope)
    question = replace(rewritten(question, lambda node: _unit_of_first(node, scope)), joins=joins)
    question = rewritten(question, lambda node: _of_units(node, scope))
    if question.per_unit is not None and not any(_is_unit(key, scope) for key in question.per_unit.keys):
        question = over_groups(question)
    scope = replace(scope, limits=limits_of(question))
    if question.where is not None:
        _check_condition(question.where, scope)
    if question.per_unit is not None:
        _check_per_unit(question, scope)
    for key in question.keys:
        if (
            isinstance(key, Name)
            and public_values(key, scope) is None
            and partition_selection_of(key, scope) is None
        ):
            raise QueryRefused(
                f"GROUP BY {key.text}",
                "its values are not public, so showing them would tell who is in.",
                instead=f"Group by one of: {usable(scope.policy, Role.KEY)}; or by CASE, FLOOR and the like.",
                position=key.position,
                why_zh="它的取值不公开，显示出来会泄露谁在数据中。",
                instead_zh=f"可按这些栏目分组：{usable(scope.policy, Role.KEY, none='（无）')}；"
                "或按 CASE、FLOOR 等分组。",
            )
        range_of(key, scope)
    for aggregate in {
        node: None for node in walk((question.outputs, question.afterwards)) if isinstance(node, Aggregate)
    }:
        _check_aggregate(aggregate, scope)
    for output in question.outputs:
        released_type(output.of, question, scope)
    after = question.afterwards
    _check_sets(question)
    for said in (*(ordering.by for ordering in after.order), *(after.each or ())):
        released_type(said, question, scope)
    for condition in (after.having, after.kept):
        if condition is not None and released_type(condition, question, scope) is not Type.BOOLEAN:
            raise QueryRefused(
                "HAVING",
                "it is not a condition.",
                instead="Write for example HAVING COUNT(*) > 100.",
                why_zh="这不是条件。",
                instead_zh="例如 HAVING COUNT(*) > 100。",
            )
    refuse_too_wide(question, scope)
    return question


def _check_names(question: Question, scope: Scope) -> None:
    """A name in GROUP BY is a column's, where there is one: an expression of that name is another thing."""
    policies = {scope.policy.dataset: scope.policy}
    policies |= {table.version.dataset: table.version.policy for table in scope.joined.values()}
    for name, datasets, position in question.named:
        for dataset in datasets:
            column = policies[dataset].column(name) if dataset in policies else None
            if column is not None and column.role is not Role.HIDDEN:
                raise QueryRefused(
                    f"GROUP BY {name}",
                    f"{dataset} has a column of this name, and SELECT gives it to something else.",
                    instead="Give what SELECT computes another name; or, for the column, write its table "
                    f"before it: t.{name}.",
                    position=position,
                    why_zh=f"{dataset} 有同名的栏目，而 SELECT 又以此命名别的内容。",
                    instead_zh=f"请给 SELECT 所计算的内容另起名称；若指栏目，请写明所属的表：t.{name}。",
                )


def _of_unit(node: UnitValue, dataset: str, scope: Scope) -> UnitValue:
    """What all rows of a unit say: of the dataset that is asked, found by its unit alone,
    and not in turn made of such."""
    unit = scope.policy.unit
    assert unit is not None
    position = node.of.position
    if node.dataset != dataset:
        raise QueryRefused(
            f"A subquery about {node.dataset}",
            f"its rows are not those of {dataset}.",
            position=position,
            instead=f"Ask of all rows of a {unit.kind} in {dataset} itself, or join {node.dataset} as it is.",
            construct_zh=f"关于 {node.dataset} 的子查询",
            why_zh=f"它的行不属于 {dataset}。",
            instead_zh=f"请只问 {dataset} 自己的行，或直接联表 {node.dataset}。",
        )
    matched = [
        scope.owner(name) if isinstance(name, Name) and name.dataset == "?" else name for name in node.matched
    ]
    if not all(_is_unit(name, scope) for name in matched):
        raise QueryRefused(
            "A subquery or a window",
            f"it is not matched on {unit.column} alone, so rows of several {unit.kind}s would be mixed.",
            instead=f"Match it on {unit.column}, in the subquery and outside.",
            position=position,
            construct_zh="子查询或窗口",
            instead_zh=f"请在其内外都按 {unit.column} 对应。",
            why_zh=f"它并非只按 {unit.column} 对应，会混合多{KIND_ZH[unit.kind]}的行。",
        )
    if any(
        isinstance(part, UnitValue) or (isinstance(part, Name) and part.dataset) for part in walk(node.of)
    ):
        raise QueryRefused(
            "A subquery or a window",
            "it is made of joined columns, or of another such value.",
            instead="Use the dataset's own columns in it.",
            position=position,
            construct_zh="子查询或窗口",
            why_zh="它用到了联表的栏目，或另一个此类取值。",
            instead_zh="其中请只用数据集自己的栏目。",
        )
    return UnitValue(node.of)


def _lookups(node: Any, scope: Scope) -> Any:
    if (
        isinstance(node, Coalesce)
        and isinstance(node.parts[0], InPublic)
        and node.parts[1:] == (Literal(False),)
    ):
        # EXISTS is never empty
        return Coalesce((_looked_up(node.parts[0], scope, exists=True), Literal(False)))
    return _looked_up(node, scope) if isinstance(node, InPublic) else node


def _looked_up(node: InPublic, scope: Scope, *, exists: bool = False) -> Expression:
    """`x IN (SELECT column FROM table WHERE ...)` is `x IN (...)` with the values that the
    public table has there."""

    def of_tables(part: Any) -> Any:
        return _lookups(part, scope)

    table, position = scope.looked_up[node.column.dataset], node.column.position
    there = Scope(table.version.policy)
    there.column(Name(node.column.text, "", position))
    said = ""
    if node.where is not None:
        where = with_exact_numbers(rewritten(node.where, of_tables), there)
        where = rewritten(where, lambda part: fitted(part, there))
        _check_condition(where, there)
        refuse_wide_parts((where,), there)
        said = ExpressionWriter(there).value(where)
    try:
        values = tuple(Literal(value, position) for value in table.values(node.column.text, said))
    except QueryRefused as refusal:
        name, dataset = node.column.text, node.column.dataset
        raise QueryRefused(
            f"IN (SELECT {name} FROM {dataset})",
            f"what is looked up is at most {MOST_KEY_VALUES} texts or whole numbers.",
            position=position,
            instead=f"Join it: JOIN {dataset} AS o ON x = o.{name}, where a row that meets several of its "
            "rows counts as often.",
            why_zh=f"所查找的至多是 {MOST_KEY_VALUES} 个文本或整数。",
            instead_zh=f"请联表：JOIN {dataset} AS o ON x = o.{name}；与其中几行对应的行会计几次。",
        ) from refusal
    of: Expression = rewritten(node.of, of_tables)
    found: Expression = In(of, values) if values else Compare(Comparison.EQUAL, Literal(0), Literal(1))
    if exists or not table.has_empty(node.column.text, said):
        return found
    # not among the others, it might be the empty one: SQL says neither
    return Case(((found, Literal(True)),), None)


def fitted(node: Any, scope: Scope) -> Any:
    """Texts that are compared with dates become dates; casts that change nothing are dropped,
    and of booleans the TRUE values are counted."""
    match node:
        case Arithmetic(Operator.MINUS, left, right) if (
            _type(left, scope) is Type.DATE and _type(right, scope) is Type.DATE
        ):
            return DateDiff(Grain.DAY, right, left)
        case Aggregate(Aggregation.SUM | Aggregation.AVG, of) if (
            of is not None and _type(of, scope) is Type.BOOLEAN
        ):
            said = rewritten(of, lambda part: fitted(part, scope))
            return replace(node, of=Case(((said, Literal(1)), (Not(said), Literal(0))), None))
        case Aggregate(Aggregation.COUNT, Name(_, dataset) as name) if (
            dataset and scope.column(name).role is Role.UNIT
        ):
            return replace(node, of=Case(((Not(IsNull(name)), Literal(1)),), None))
        case Slice(of, start, length) if length == TO_THE_END and _is_short(of, scope):
            # as earlier releases wrote it, whose answers stay free
            return Slice(rewritten(of, lambda part: fitted(part, scope)), start, MOST_LETTERS)
        case Compare(comparison, left, Literal(str())) if _type(left, scope) is Type.DATE:
            return Compare(comparison, rewritten(left, lambda part: fitted(part, scope)), _date(node.right))
        case Compare(comparison, Literal(str()), right) if _type(right, scope) is Type.DATE:
            return Compare(comparison, _date(node.left), rewritten(right, lambda part: fitted(part, scope)))
        case In(of, values) if _type(of, scope) is Type.DATE:
            return In(of, tuple(_date(value) if isinstance(value.value, str) else value for value in values))
        case Compare(comparison, left, Literal(str() | date())) if _type(left, scope) is Type.TIMESTAMP:
            return Compare(comparison, rewritten(left, lambda part: fitted(part, scope)), _time(node.right))
        case In(of, values) if _type(of, scope) is Type.TIMESTAMP:
            return In(
                of, tuple(_time(value) if isinstance(value.value, str | date) else value for value in values)
            )
        case Aggregate(_, Round(Arithmetic(Operator.PLUS, Name() as name, Literal(0)), digits, False)) if (
            node.aggregation is not Aggregation.COUNT_DISTINCT and _on_its_grid(name, digits, scope)
        ):  # SUM(CAST(cost AS DECIMAL(18, 2)))
            return rewritten(replace(node, of=name), lambda part: fitted(part, scope))
        case Round(Arithmetic(Operator.PLUS, of, Literal(0))) | Arithmetic(Operator.PLUS, of, Literal(0)) if (
            _type(of, scope) is Type.BOOLEAN
        ):  # CAST(smoker AS INTEGER)
            said = rewritten(of, lambda part: fitted(part, scope))
            return Case(((said, Literal(1)), (Not(said), Literal(0))), None)
        case Round(Arithmetic(Operator.PLUS, of, Literal(0))) if _type(of, scope) is Type.INTEGER:
            return rewritten(of, lambda part: fitted(part, scope))
        case Arithmetic(Operator.PLUS, of, Literal(0)) if _type(of, scope) in (Type.INTEGER, Type.NUMBER):
            return rewritten(of, lambda part: fitted(part, scope))
    return node


def _is_short(text: Expression, scope: Scope) -> bool:
    """Whether a text has no more than MOST_LETTERS in any row."""
    of_groups = any(isinstance(part, Aggregate | AnswerWindow) for part in walk(text))
    return not of_groups and _type(text, scope) is Type.TEXT and width_of(text, scope) <= MOST_LETTERS


def _on_its_grid(name: Name, digits: int, scope: Scope) -> bool:
    """Whether a measure is added up on a grid of so many digits anyway: then rounding to them changes
    nothing."""
    bounds = scope.column(name).bounds
    return bounds is not None and all(
        (number * 10**digits).denominator == 1 for number in (bounds.low, bounds.high, bounds.step)
    )


def _type(expression: Expression, scope: Scope) -> Type | None:
    """The type of what has one; None where that will be refused anyway, or is an aggregate's."""
    if any(isinstance(node, Aggregate) for node in walk(expression)):
        return Type.NUMBER if isinstance(expression, Aggregate) else None
    try:
        return range_of(expression, scope).type
    except QueryRefused:
        return None


def _date(literal: Expression) -> Literal:
    assert isinstance(literal, Literal) and isinstance(literal.value, str)
    try:
        return Literal(date.fromisoformat(literal.value), literal.position)
    except ValueError:
        raise QueryRefused(
            f"The text '{literal.value[:40]}'",
            "it is not a date.",
            instead="Write DATE '2026-01-31'.",
            position=literal.position,
            construct_zh=f"文本 '{literal.value[:40]}'",
            why_zh="这不是日期。",
            instead_zh="请写 DATE '2026-01-31'。",
        ) from None


def _time(literal: Expression) -> Literal:
    """The moment that a text or a date says: a date is its first."""
    assert isinstance(literal, Literal) and isinstance(literal.value, str | date)
    if isinstance(literal.value, date):
        midnight = (
            literal.value if isinstance(literal.value, datetime) else datetime.combine(literal.value, time())
        )
        return Literal(midnight, literal.position)
    try:
        at = datetime.fromisoformat(literal.value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None:
        raise QueryRefused(
            f"The text '{literal.value[:40]}'",
            "it is not a time of the city's clock.",
            instead="Write TIMESTAMP '2026-01-31 08:00:00', without a zone.",
            position=literal.position,
            construct_zh=f"文本 '{literal.value[:40]}'",
            why_zh="这不是本市时间。",
            instead_zh="请写 TIMESTAMP '2026-01-31 08:00:00'，不带时区。",
        )
    return Literal(at, literal.position)


def _check_joins(joins: tuple[Join, ...], scope: Scope) -> None:
    for join in joins:
        pairs = list(zip(join.left, join.right, strict=True))
        table = scope.joined[join.name]
        if join.where is not None:
            _check_condition(join.where, scope)
        if isinstance(table, PrivateTable):
            _check_same_units(join, table.version.policy, scope)
            pairs = [pair for pair in pairs if not _joins_units(*pair, scope)]
        for left, right in pairs:
            first, second = range_of(left, scope), range_of(right, scope)
            if first.type is not second.type and not (first.numeric and second.numeric):
                raise QueryRefused(
                    f"JOIN ON {wording(left)} = {wording(right)}",
                    f"one is {first.type.value}, the other {second.type.value}.",
                    instead="Join on columns of one type.",
                    position=join.position,
                    why_zh=f"一边是{TYPE_ZH[first.type]}，另一边是{TYPE_ZH[second.type]}。",
                    instead_zh="请按同一类型的栏目联表。",
                )


def _alike(policy: DatasetPolicy, other: DatasetPolicy) -> bool:
    """Whether both make the ids of the same columns of the same types: then one person has one id."""
    mine, theirs = policy.made_ids, other.made_ids
    if mine is None or mine != theirs or mine.of is None:
        return False
    types = [{c.name: c.type for c in each.columns if c.name in mine.of} for each in (policy, other)]
    return types[0] == types[1]


def _check_same_units(join: Join, other: DatasetPolicy, scope: Scope) -> None:
    """A second private dataset: its people must be the same, and each must meet only their own rows."""
    policy = scope.policy
    assert policy.unit is not None and other.unit is not None, "datasets without a unit are public"
    unit, theirs = policy.unit, other.unit
    if other.population != policy.population or theirs.kind != unit.kind:
        raise QueryRefused(
            f"JOIN {join.dataset}",
            f"{policy.dataset} is about the {unit.kind}s of {policy.population}, it about "
            f"the {theirs.kind}s of {other.population}: who is in one is not protected in the other.",
            instead="Ask each by itself.",
            position=join.position,
            why_zh=(
                f"{policy.dataset} 保护 {policy.population} "
                f"的{KIND_ZH[unit.kind]}，而它保护 {other.population} "
                f"的{KIND_ZH[theirs.kind]}：在其一中的，在另一个中得不到保护。"
            ),
            instead_zh="请分别提问。",
        )
    ids = (policy.made_ids, other.made_ids)
    if other.dataset != policy.dataset and any(ids) and not _alike(policy, other):
        raise QueryRefused(
            f"JOIN {join.dataset}",
            f"the ids of {policy.dataset} and {join.dataset} are made in different ways, or of each row: one "
            f"{unit.kind} could have two ids.",
            instead="Ask each by itself.",
            position=join.position,
            why_zh=f"{policy.dataset} 与 {join.dataset} 的标识由不同方式生成，或按行生成，"
            "同一对象可能有两个标识。",
            instead_zh="请分别提问。",
        )
    if other.dataset != policy.dataset and policy.pseudonyms != other.pseudonyms:
        raise QueryRefused(
            f"JOIN {join.dataset}",
            f"the ids of {policy.dataset} and {join.dataset} are not pseudonyms of one key: one "
            f"{unit.kind} has two ids.",
            instead="Ask each by itself; or ask the officer to publish both with one `shared_as`.",
            position=join.position,
            why_zh=f"{policy.dataset} 与 {join.dataset} 的标识不是同一密钥的假名，同一对象有两个标识。",
            instead_zh="请分别提问；或请数据专员以同一 shared_as 发布两者。",
        )
    if not any(_joins_units(left, right, scope) for left, right in zip(join.left, join.right, strict=True)):
        raise QueryRefused(
            f"JOIN {join.dataset}",
            "private datasets can be joined on their unit only: otherwise the rows of "
            "one person would meet those of others.",
            position=join.position,
            instead=f"Write ON {policy.dataset}.{unit.column} = {join.dataset}.{theirs.column}.",
            why_zh="私有数据集只能按保护对象的标识联表：否则一人的行会与他人的行相联。",
            instead_zh=f"请写 ON {policy.dataset}.{unit.column} = {join.dataset}.{theirs.column}。",
        )
    mine, its = policy.column(unit.column), other.column(theirs.column)
    assert mine is not None and its is not None, "a unit's column is in its policy"
    if mine.type is not its.type:
        raise QueryRefused(
            f"JOIN {join.dataset}",
            f"{unit.column} is {mine.type.value}, {theirs.column} {its.type.value}.",
            instead="Ask the officer to publish both in one type.",
            position=join.position,
            why_zh=f"{unit.column} 是{TYPE_ZH[mine.type]}，{theirs.column} 是{TYPE_ZH[its.type]}。",
            instead_zh="请数据专员以同一类型发布两者。",
        )
    if mine.type is Type.TEXT and policy.ids is not other.ids:
        raise QueryRefused(
            f"JOIN {join.dataset}",
            "the ids of one of the two are normalised, and those of the other kept "
            "as they were written: one person could have two ids.",
            position=join.position,
            instead="Ask the officer to publish both with `ids: normalised`.",
            why_zh="两者之一的标识已规范化，另一个仍为原样，同一人可能有两个标识。",
            instead_zh="请数据专员以 ids: normalised 重新发布两者。",
        )


def _joins_units(left: Expression, right: Name, scope: Scope) -> bool:
    return _is_unit(left, scope) and scope.column(right).role is Role.UNIT


def _unit_of_first(node: Any, scope: Scope) -> Any:
    """The unit of a joined private dataset is the first dataset's:
    they are equal, but where LEFT JOIN leaves it empty."""
    if (
        isinstance(node, Name)
        and node.dataset
        and scope.column(node).role is Role.UNIT
        and not scope.joined[node.dataset].outer
    ):
        assert scope.policy.unit is not None
        return Name(scope.policy.unit.column, "", node.position)
    return node


def _of_units(node: Any, scope: Scope) -> Any:
    """Rewrite conditions on units' names to whether there is a name: the name itself is never computed
    with."""
    match node:
        case IsNull(Name()):
            return node
        case IsNull(of) if (there := _unit_there(of, scope)) is not None:
            return Not(Coalesce((all_of(there), Literal(False)))) if there else Literal(False)
        case Compare(Comparison.EQUAL | Comparison.UNEQUAL as comparison, left, right) if (
            first := _unit_there(left, scope)
        ) is not None and (second := _unit_there(right, scope)) is not None:
            same = Literal(comparison is Comparison.EQUAL)  # they stand beside each other: two names are one
            return Case(((all_of((*first, *second)), same),), None) if first or second else same
        case Aggregate(Aggregation.COUNT, of) | UnitAggregate(Aggregation.COUNT, of) if (
            of is not None and (there := _unit_there(of, scope)) is not None
        ):
            return replace(node, of=Case(((all_of(there), Literal(1)),), None) if there else None)
        case Aggregate(Aggregation.COUNT_DISTINCT, of) if of is not None and (
            there := _unit_there(of, scope)
        ):
            assert scope.policy.unit is not None
            return replace(node, of=Case(((all_of(there), Name(scope.policy.unit.column)),), None))
    return node


def _unit_there(expression: Expression, scope: Scope) -> tuple[Expression, ...] | None:
    """Of what is a unit's name or empty: the conditions that must hold where it is there.
    None for anything else."""
    match expression:
        case UnitKey(Name() as name) | (Name() as name) if scope.column(name).role is Role.UNIT:
            return (Not(IsNull(name)),) if name.dataset else ()
        case Case(((condition, then),), None):
            inner = _unit_there(then, scope)
            return (
                None if inner is None else (rewritten(condition, lambda node: _of_units(node, scope)), *inner)
            )
    return None


def _check_sets(question: Question) -> None:
    """Groups by fewer keys are made of those by all:
    what is counted or summed, not different values, nor windows."""
    after = question.afterwards
    if not after.sets:
        return
    instead, instead_zh = "Ask for it in a question of its own.", "请另行提问。"
    for node in walk((question.outputs, after)):
        if isinstance(node, Aggregate) and node.aggregation is Aggregation.COUNT_DISTINCT:
            raise QueryRefused(
                "COUNT(DISTINCT ...) with ROLLUP, CUBE or GROUPING SETS",
                "who is in several groups would be counted several times in their total.",
                instead=instead,
                position=node.position,
                construct_zh="ROLLUP、CUBE 或 GROUPING SETS 中的 COUNT(DISTINCT ...)",
                why_zh="同在几个分组里的会在小计中重复计数。",
                instead_zh=instead_zh,
            )
        if isinstance(node, AnswerWindow):
            raise QueryRefused(
                "A window with ROLLUP, CUBE or GROUPING SETS",
                "over which groups it goes cannot be told.",
                instead=instead,
                position=node.position,
                construct_zh="ROLLUP、CUBE 或 GROUPING SETS 中的窗口",
                why_zh="无法说明它覆盖哪些分组。",
                instead_zh=instead_zh,
            )


def _check_condition(condition: Expression, scope: Scope) -> None:
    if range_of(condition, scope).type is not Type.BOOLEAN:
        raise QueryRefused(
            f"{wording(condition)} as a condition",
            "it is not a boolean.",
            instead="Compare it with a value.",
            position=place_of(condition),
            construct_zh=f"以 {wording_zh(condition)} 为条件",
            why_zh="它不是布尔值。",
            instead_zh="请把它与一个值比较。",
        )


def _check_per_unit(question: Question, scope: Scope) -> None:
    per_unit = question.per_unit
    assert per_unit is not None and scope.policy.unit is not None
    for key in per_unit.keys:
        if not _is_unit(key, scope):
            range_of(key, scope)
    if per_unit.where is not None:
        _check_condition(per_unit.where, scope)


def _is_unit(expression: Expression | None, scope: Scope) -> bool:
    if isinstance(expression, UnitKey):
        return _is_unit(expression.of, scope)
    return (
        isinstance(expression, Name) and scope.column(expression).role is Role.UNIT and not expression.dataset
    )


def _check_aggregate(aggregate: Aggregate, scope: Scope) -> None:
    unit, of = scope.policy.unit, aggregate.of
    assert unit is not None
    name = aggregate.aggregation.value.upper()
    if aggregate.aggregation is Aggregation.COUNT and of is None:
        return
    assert of is not None, "the parser gives every other aggregate its argument"
    if (
        aggregate.aggregation is Aggregation.COUNT_DISTINCT
        and isinstance(of, Case)
        and len(of.branches) == 1
        and (_is_unit(of.branches[0][1], scope))
    ):
        _check_condition(of.branches[0][0], scope)
        return
    if _is_unit(of, scope):
        if aggregate.aggregation is Aggregation.COUNT_DISTINCT:
            return
        raise QueryRefused(
            f"{name}({wording(of)})",
            "it names single people.",
            position=aggregate.position,
            instead=f"Use COUNT(*), or COUNT(DISTINCT {unit.column}).",
            construct_zh=f"{name}({wording_zh(of)})",
            why_zh="它指明具体的个人。",
            instead_zh=f"请用 COUNT(*) 或 COUNT(DISTINCT {unit.column})。",
        )
    if aggregate.aggregation in (Aggregation.COUNT, Aggregation.COUNT_DISTINCT):
        range_of(of, scope)
        return
    for part in (of, aggregate.by):
        if part is None:
            continue
        found = range_of(part, scope)
        if not found.numeric:
            kind, kind_zh = found.type.value, TYPE_ZH[found.type]
            raise QueryRefused(
                f"{name}({wording(part)})",
                f"it is {kind}: {name} is told with noise, and noise can be added to numbers only.",
                position=aggregate.position,
                instead=(
                    f"Count it: COUNT({wording(part)}), COUNT(DISTINCT {wording(part)}), or COUNT(*) with "
                    f"GROUP BY {wording(part)}; of a date, its YEAR or MONTH is a number."
                ),
                construct_zh=f"{name}({wording_zh(part)})",
                why_zh=f"它是{kind_zh}：{name} 以带噪声的数给出，而噪声只能加在数值上。",
                instead_zh=(
                    f"请计数：COUNT({wording_zh(part)})、COUNT(DISTINCT {wording_zh(part)})，或 COUNT(*) 加 "
                    f"GROUP BY {wording_zh(part)}；日期的 YEAR 或 MONTH 是数值。"
                ),
            )
        if isinstance(part, Name) and (found.low is None or found.high is None):
            raise QueryRefused(
                f"{name}({part.text})",
                "it has no bounds in the policy.",
                position=aggregate.position,
                instead=f"Columns with bounds: {usable(scope.policy, Role.MEASURE)}; or write "
                f"GREATEST(LEAST({part.text}, high), low) with numbers.",
                why_zh="策略没有给它边界。",
                instead_zh=f"有边界的栏目：{usable(scope.policy, Role.MEASURE, none='（无）')}；"
                f"或写 GREATEST(LEAST({part.text}, 上限), 下限)，上下限为数字。",
            )
        bounded(part, scope)
