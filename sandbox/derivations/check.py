"""Checks the policy of a derived dataset against its SQL and the policies of what it reads: the same people,
a grade and a budget that are no laxer than theirs, and no rule that the rows could break."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sandbox.catalog.lists import Lists
from sandbox.catalog.model import Column, DatasetPolicy, Role, Type, Unfit, Version
from sandbox.catalog.policy_file import Faults
from sandbox.derivations.relation import Origin, Relation, RelationColumn
from sandbox.errors import InvalidInput
from sandbox.ingest import IdRule
from sandbox.policy import Gate

NUMERIC = (Type.INTEGER, Type.NUMBER)


def check_derivation(
    policy: DatasetPolicy,
    relation: Relation,
    inputs: Sequence[Version],
    *,
    gate: Gate,
    lists: Lists,
    hidden: bool,
) -> None:
    """Raises `PolicyFaults` with all that is wrong. `hidden`: whether the officer learns no figure of the
    result (`figures_hidden`)."""
    faults = Faults()
    for fault in (
        *_people(policy, relation, inputs),
        *_columns(policy, relation),
        *_grades(policy, relation, inputs, gate),
        *_budget(policy, inputs),
        *_own_file(policy, hidden=hidden),
        *_negative_list(policy, relation, inputs, lists),
    ):
        faults.note(fault)
    faults.raise_all()


def figures_hidden(officer: str, inputs: Sequence[Version]) -> bool:
    """Whether an officer learns no exact figure of the result. Only who published all that is read, from
    files, held those rows: to anybody else a derivation would be a question without a price."""
    return not all(each.figures_known_to(officer) for each in inputs)


def _people(policy: DatasetPolicy, relation: Relation, inputs: Sequence[Version]) -> Iterator[InvalidInput]:
    """The units of all are the same people, by the same ids."""
    unit = policy.unit
    if unit is None or policy.made_ids is not None or unit.column != relation.unit:
        yield _fault(
            f"The unit's column must be {relation.unit}, as the SQL gives it.",
            f"Write `unit: {{column: {relation.unit}, ...}}`.",
            f"保护对象的标识栏须为语句给出的 {relation.unit}。",
            f"请写 unit: {{column: {relation.unit}, ...}}。",
        )
        return
    first = inputs[0].policy
    populations = {(each.policy.population, each.policy.unit.kind) for each in inputs if each.policy.unit}
    if len(populations | {(policy.population, unit.kind)}) > 1:
        named = ", ".join(f"the {kind}s of {name}" for name, kind in sorted(populations))
        yield _fault(
            f"It reads {named}: an answer about the result would be charged to one population alone.",
            "Derive from datasets of one population, and name it in `population`.",
            "所读数据集与结果须属于同一人群：否则回答只计入一个人群的预算。",
            "请只用同一人群的数据集，并在 population 中写明。",
        )
    for each in inputs:
        own = each.policy
        if own.made_ids is not None:
            yield _fault(
                f"{each.name} has ids that are made of several columns, or of each row.",
                "Publish it with a column that names the unit.",
                f"{each.name} 的标识由多个栏目或按行生成。",
                "请以含标识栏的形式重新发布。",
            )
        elif own.ids is IdRule.EXACT and _unit_type(own) is Type.TEXT:
            yield _fault(
                f"The ids of {each.name} are as they were written: one person could have two.",
                "Publish it with `ids: normalised`.",
                f"{each.name} 的标识未规范化，同一人可能有两个标识。",
                "请以 ids: normalised 重新发布。",
            )
        if own.pseudonyms != first.pseudonyms or _unit_type(own) is not _unit_type(first):
            yield _fault(
                f"The ids of {inputs[0].name} and {each.name} are of different kinds: one person has two.",
                "Publish both with ids of one type, or with pseudonyms of one `shared_as`.",
                f"{inputs[0].name} 与 {each.name} 的标识不同类，同一人有两个标识。",
                "请以同一类型的标识，或同一 shared_as 的假名重新发布。",
            )
    if policy.ids is IdRule.EXACT or _unit_type(policy) is not _unit_type(first):
        yield _fault(
            "The ids of the result must be as those that it reads: normalised, and of their type.",
            "Leave `ids` out, and give the unit's column their type.",
            "结果的标识须与所读数据集一致。",
            "请去掉 ids，并使用相同的类型。",
        )
    if unit.max_rows > relation.most_rows:
        yield _fault(
            f"A {unit.kind} has at most {relation.most_rows} rows here, and not {unit.max_rows}.",
            f"Write `max_rows: {relation.most_rows}`.",
            f"每个保护对象最多 {relation.most_rows} 行，而非 {unit.max_rows} 行。",
            f"请写 max_rows: {relation.most_rows}。",
        )


def _columns(policy: DatasetPolicy, relation: Relation) -> Iterator[InvalidInput]:
    given, kept = {each.name for each in relation.columns}, {column.name for column in policy.columns}
    if given != kept:
        wrong = ", ".join(sorted(given ^ kept))
        yield _fault(
            f"The SQL gives other columns than the policy has: {wrong}.",
            "Describe each column that is selected, and no other.",
            f"语句给出的栏目与策略不一致：{wrong}。",
            "请在策略中逐一描述所选的栏目。",
        )
    for column, of in _pairs(policy, relation):
        if column.type is not of.column.type and not {column.type, of.column.type} <= set(NUMERIC):
            yield _fault(
                f"{column.name} is {of.column.type.value} by the SQL, and not {column.type.value}.",
                f"Write `type: {of.column.type.value}`.",
                f"按语句 {column.name} 的类型为 {of.column.type.value}。",
                f"请写 type: {of.column.type.value}。",
            )
        if column.role is Role.UNIT:
            continue
        if column.required or column.unfit not in (Unfit.EMPTY, Unfit.DROP):
            yield _fault(
                f"{column.name} may fail on a row, which would tell of it.",
                "Leave out `required`, and let `unfit` be empty or drop.",
                f"{column.name} 可能因某行而失败，从而泄露该行。",
                "请去掉 required，unfit 用 empty 或 drop。",
            )


def _grades(
    policy: DatasetPolicy, relation: Relation, inputs: Sequence[Version], gate: Gate
) -> Iterator[InvalidInput]:
    """就高从严: a column is graded as the highest that it comes from; the dataset as the highest dataset that
    it reads, and the columns that choose its rows. So the grade of the combination (catalog/grade.py) is at
    least that of all that was used."""
    known = _grade_of_columns(inputs, gate)
    units = {(each.dataset, each.policy.unit.column) for each in inputs if each.policy.unit}
    used = relation.filters - units  # that somebody is in a dataset is graded as the dataset
    least = gate.grades.combine(
        [*(each.policy.grade for each in inputs), *(known[origin] for origin in used)]
    )
    if gate.grades.combine([policy.grade, least]) != policy.grade:
        yield _fault(
            f"What it reads is graded {least}, and the dataset {policy.grade}.",
            f'就高从严: write `grade: "{least}"`.',
            f"所读数据为 {least} 级，而数据集为 {policy.grade} 级。",
            f'就高从严：请写 grade: "{least}"。',
        )
    for column, of in _pairs(policy, relation):
        read = of.origins if column.role is Role.UNIT else of.origins - units
        own = gate.grades.combine([column.grade, *(known[origin] for origin in read)])
        if own != column.grade:
            yield _fault(
                f"{column.name} comes from columns graded {own}, and is graded {column.grade}.",
                f'就高从严: write `grade: "{own}"`.',
                f"{column.name} 来自 {own} 级栏目，而定为 {column.grade} 级。",
                f'就高从严：请写 grade: "{own}"。',
            )


def _budget(policy: DatasetPolicy, inputs: Sequence[Version]) -> Iterator[InvalidInput]:
    """A derived dataset has an account of its own: it is no way to more than a dataset's officers allowed.
    What is lost counts for the population of all of them."""
    budgets = [each.policy.budget for each in inputs if each.policy.budget]
    if policy.budget is None or not budgets:
        return
    delta, epsilon = min(each.delta for each in budgets), min(each.dataset_epsilon for each in budgets)
    bits = min(each.policy.hint_bits for each in inputs)
    needed = next((each.policy.certificate for each in inputs if each.policy.certificate), "")
    if needed and not policy.certificate:
        yield _fault(
            "A dataset that it reads asks for a training certificate, and it asks for none.",
            f"Write certificate: {needed}.",
            "所读数据集要求培训证书，而其本身未作要求。",
            f"请写 certificate: {needed}。",
        )
    if policy.budget.delta > delta or policy.budget.dataset_epsilon > epsilon or policy.hint_bits > bits:
        yield _fault(
            "Its budget is larger than that of a dataset that it reads.",
            f"At most: delta {float(delta):g}, dataset_epsilon {float(epsilon):g}, hints of {bits} bits.",
            "其预算大于所读数据集的预算。",
            f"上限：delta {float(delta):g}，dataset_epsilon {float(epsilon):g}，hints {bits} 位。",
        )


def _own_file(policy: DatasetPolicy, *, hidden: bool) -> Iterator[InvalidInput]:
    """What is about a file, and what would tell of rows."""
    sourced = any(column.source is not None for column in policy.columns)
    if policy.steps or policy.inputs or policy.dropped_columns or sourced:
        yield _fault(
            "A derived dataset has no file, and no cleaning steps.",
            "Say it in the SQL; remove `steps`, `source` of columns, `keep` and `dropped_columns`.",
            "派生数据集没有文件，也没有清洗步骤。",
            "请写在语句中；去掉 steps、栏目的 source、keep 和 dropped_columns。",
        )
    if hidden and policy.expectations:
        yield _fault(
            "It has rules (`expect`), and reads rows that you did not publish: whether a rule is kept "
            "tells of them.",
            "Remove `expect`.",
            "策略含有规则（expect），而所读数据并非由您发布：是否符合规则会泄露数据。",
            "请去掉 expect。",
        )


def _negative_list(
    policy: DatasetPolicy, relation: Relation, inputs: Sequence[Version], lists: Lists
) -> Iterator[InvalidInput]:
    """By its own words, and by those of the columns that it comes from: another name makes it no other."""
    columns = {(each.dataset, column.name): column for each in inputs for column in each.policy.columns}
    origins = frozenset[Origin]().union(*(each.origins for each in relation.columns))
    whole = replace(policy, columns=(*policy.columns, *(columns[origin] for origin in sorted(origins))))
    yield from lists.faults(whole, {})


def _grade_of_columns(inputs: Sequence[Version], gate: Gate) -> dict[Origin, str]:
    """Of a dataset that is read in two versions, the higher grade."""
    grades: dict[Origin, str] = {}
    for each in inputs:
        for column in each.policy.columns:
            origin = (each.dataset, column.name)
            grades[origin] = gate.grades.combine(
                [column.grade, *([grades[origin]] if origin in grades else [])]
            )
    return grades


def _pairs(policy: DatasetPolicy, relation: Relation) -> Iterator[tuple[Column, RelationColumn]]:
    for column in policy.columns:
        of = relation.column(column.name)
        if of is not None:
            yield column, of


def _unit_type(policy: DatasetPolicy) -> Type | None:
    column = policy.column(policy.unit.column) if policy.unit else None
    return column.type if column else None


def _fault(message: str, remedy: str, zh: str, remedy_zh: str) -> InvalidInput:
    return InvalidInput(message, code="derivation", remedy=remedy, zh=zh, remedy_zh=remedy_zh)
