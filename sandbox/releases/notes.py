"""The notes beside an answer, which explain how to read it, in both languages.
They are stored once, for everybody.

Each note has a code and the numbers that it states, so that a program can check them. A note is there only
where it follows for this question from the policy, the question or what was bought.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from sandbox.privacy import epsilon_of
from sandbox.queries.describe import wording, wording_zh
from sandbox.queries.plan.bounds_estimation import least_units
from sandbox.queries.plan.empty_keys import can_be_empty, with_a_value
from sandbox.queries.plan.moment_decomposition import EXTREMES
from sandbox.queries.plan.plan import TotalKind
from sandbox.queries.refusal import KIND_ZH
from sandbox.queries.tree import Aggregate, Aggregation, AnswerWindow, Name, UnitAggregate, walk
from sandbox.queries.types.clamped_columns import clamped_columns
from sandbox.queries.types.scope import PrivateTable, Scope
from sandbox.queries.types.value_ranges import bounds_of, rounding_of
from sandbox.releases.answer.bounding_bias import clamped_parts
from sandbox.releases.answer.estimate import is_scaled
from sandbox.releases.answer.selection import is_chosen
from sandbox.releases.predict import is_counted, predict, typical_rows
from sandbox.releases.prepare import Prepared

LEAST_TOLD = 0.5  # percent
COUNTED = (Aggregation.COUNT, Aggregation.COUNT_DISTINCT)


@dataclass(frozen=True)
class Note:
    """`numbers`: what it states, by name."""

    code: str
    english: str
    chinese: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


def notes(prepared: Prepared, told: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
    """The notes of an answer: `notes` in English, `notes_zh` the same in Chinese,
    `note_facts` their codes and numbers.

    `told` is the answer's columns, rows and errors (answer/answer_table.py), once there are any.
    """
    said = [*all_notes(prepared), *(_promise(prepared) if told is None else _kept(prepared, told))]
    if not prepared.plan.totals:
        said = [
            Note(
                "public_values",
                "These are the values that the policy or an open dataset lists, whether any row has them "
                "or not: they are public, and cost nothing.",
                "这些是策略或开放数据集列出的取值，无论是否有行具有它们：取值公开，不花费。",
            )
        ]
    return {
        "notes": [note.english for note in said],
        "notes_zh": [note.chinese for note in said],
        "note_facts": [{"code": note.code, **note.numbers} for note in said],
    }


def all_notes(prepared: Prepared) -> list[Note]:
    return [
        *_split(prepared),
        *_extremes(prepared),
        *_found_keys(prepared),
        *_empty_keys(prepared),
        *_subtotals(prepared),
        *_bounds(prepared),
        *_limit(prepared),
        *_clamped_values(prepared),
        *_rounded_values(prepared),
        *_clamped_conditions(prepared),
        *_clamped_choices(prepared),
        *_bias(prepared),
        *_chosen(prepared),
    ]


def _split(prepared: Prepared) -> list[Note]:
    """That people are held back for a competition: the answer is about the others."""
    if not prepared.version.split:
        return []
    return [
        Note(
            "train_people",
            "The people of this dataset are split for a competition: until its split is opened, answers are "
            "about its train people alone, and counts and sums are smaller than of all.",
            "该数据集的人群已为大赛划分：在划分公开之前，回答只涉及训练人群，计数与总和小于全体。",
            {"split": prepared.version.split},
        )
    ]


def _promise(prepared: Prepared) -> list[Note]:
    """For which groups a relative error that was asked for will hold:
    those that are no smaller than was assumed."""
    if prepared.error is None:
        return []
    plan, units = prepared.plan, prepared.units
    scales = {share.total: share.scale for share in prepared.price.shares}
    said: list[str] = []
    said_zh: list[str] = []
    facts: list[dict[str, Any]] = []
    for output in plan.outputs:
        if not output.aggregates or is_counted(output):
            continue
        found, only = (
            predict(output, plan, scales, units),
            output.of if isinstance(output.of, Aggregate) else None,
        )
        value = abs(found.typical or 0.0)
        facts.append(
            {"name": output.name, "rows": typical_rows(plan, units), "value": value, "evenly": found.evenly}
        )
        # the noise of a count or a sum is the same in a group of any size
        small = only is not None and is_scaled(only)
        rows = "" if small else f" of at least {typical_rows(plan, units):,.0f} rows"
        rows_zh = "" if small else f"至少 {typical_rows(plan, units):,.0f} 行且"
        said.append(
            f"{output.name} in groups{rows} where it is at least {value:,.6g} (or at most minus that)"
            f"{', if values are spread evenly between their bounds' if found.evenly else ''}"
        )
        said_zh.append(
            f"{output.name}：{rows_zh}绝对值至少 {value:,.6g} 的分组"
            f"{'（设取值在边界之间均匀分布）' if found.evenly else ''}"
        )
    return [
        Note(
            "error_promised",
            f"The error of {prepared.error:.3g} is that of the noise, and holds for {'; '.join(said)}. "
            "Smaller groups and smaller values have a larger one: the answer says where it holds.",
            f"误差 {prepared.error:.3g} 指噪声的误差，适用于{'；'.join(said_zh)}。"
            "更小的分组或数值误差更大：答案会说明何处成立。",
            {"error": prepared.error, "outputs": facts},
        )
    ]


def _kept(prepared: Prepared, told: Mapping[str, Any]) -> list[Note]:
    """Where a relative error that was asked for holds, from what was released."""
    if prepared.error is None:
        return []
    facts = []
    for place, column in enumerate(told["columns"]):
        errors = [line[column["name"]] for line in told["errors"] if column["name"] in line]
        if errors:
            values = [row[place] for row in told["rows"]]
            facts.append(
                {
                    "name": column["name"],
                    "values": len(values),
                    "held": sum(
                        _holds(value, error, prepared.error)
                        for value, error in zip(values, errors, strict=True)
                    ),
                }
            )
    said = "; ".join(f"{one['name']}: {one['held']} of {one['values']}" for one in facts)
    return (
        [
            Note(
                "error_kept",
                f"The error of {prepared.error:.3g} that was asked for is that of the "
                f"noise. It holds in so many groups: {said}. The others are smaller, or nearer to "
                "zero: see their intervals.",
                f"所要求的误差 {prepared.error:.3g} 指噪声的误差，成立的分组数为：{said}。"
                "其余分组较小，或数值较接近零：见各自的区间。",
                {"error": prepared.error, "outputs": facts},
            )
        ]
        if facts
        else []
    )


def _holds(value: Any, error: Mapping[str, Any], asked: float) -> bool:
    """Whether the noise's interval is as narrow as was asked for."""
    of_noise = error.get("noise", error)
    low, high = of_noise.get("low"), of_noise.get("high")
    return (
        isinstance(value, int | float) and None not in (low, high) and (high - low) / 2 <= asked * abs(value)
    )


def _extremes(prepared: Prepared) -> list[Note]:
    outputs = prepared.plan.outputs
    if not any(
        isinstance(node, Aggregate) and node.aggregation in EXTREMES
        for output in outputs
        for node in walk(output.asked)
    ):
        return []
    return [
        Note(
            "extremes",
            "MIN and MAX are told as the quantiles at 1 % and 99 %: one row's value never leaves.",
            "MIN 和 MAX 以 1 % 和 99 % 分位数给出：任何一行的值都不会离开。",
        )
    ]


def _found_keys(prepared: Prepared) -> list[Note]:
    kind = prepared.plan.unit.kind
    return [
        Note(
            "found_keys",
            f"The values of {wording(share.discovery.of)} were found in the data: those that fewer than "
            f"about {share.least_units} {kind}s have are not shown (of {kind}s who have k values "
            "each, fewer than √k times as many).",
            f"{wording_zh(share.discovery.of)} 的取值是从数据中发现的："
            f"少于约 {share.least_units} 个{KIND_ZH[kind]}共有的不显示"
            f"（若每个{KIND_ZH[kind]}各有 k 个取值，则为其 √k 倍）。",
            {"key": wording(share.discovery.of), "units": share.least_units},
        )
        for share in prepared.price.keys
    ]


def _empty_keys(prepared: Prepared) -> list[Note]:
    plan = prepared.plan
    said = []
    for key in plan.keys:
        if can_be_empty(key.of, plan):
            instead, instead_zh = with_a_value(key.of, key.values, plan.scope)
            said.append(
                Note(
                    "empty_key",
                    f"Rows where {wording(key.of)} is empty are in no group. To see them as a group of their "
                    f"own, group by {instead}: it is a question of the same price.",
                    f"{wording_zh(key.of)} 为空的行不在任何一组中。若要把它们作为一组，请按 "
                    f"{instead_zh} 分组：价格与此问相同。",
                    {"key": wording(key.of), "instead": instead},
                )
            )
    return said


def _subtotals(prepared: Prepared) -> list[Note]:
    if not prepared.plan.afterwards.sets:
        return []
    return [
        Note(
            "subtotals",
            "Totals of several groups are the sums of the groups that are shown: they cost nothing, and rows "
            "of no group are not in them. Their noise is that of all these groups together; a "
            "question of their own has less.",
            "小计由所示各组相加而得：不另花费，不属于任何一组的行不在其中。其噪声为各组噪声之和；单独提问时噪声更小。",
        )
    ]


def _bounds(prepared: Prepared) -> list[Note]:
    """Bounds that no policy has: to be bought first, or bought before."""
    plan, budget = prepared.plan, prepared.version.policy.budget
    kind, kind_zh = plan.unit.kind, KIND_ZH[plan.unit.kind]
    assert budget is not None
    said = []
    for share in prepared.price.bounds:
        name, units = share.bounds.of.text, least_units(share.bounds, share.scale)
        epsilon = epsilon_of(share.loss, budget.delta)
        said.append(
            Note(
                "bounds_to_buy",
                f"{name} has no bounds in the policy: they will be bought first, for "
                f"epsilon {epsilon:.3g} of the price, of values that about {units} or more {kind}s have. "
                "Bought once, they are free for every later question; errors are known only then.",
                f"策略没有 {name} 的边界：将先以价格中的 epsilon {epsilon:.3g} 购买，"
                f"取自约 {units} 个以上{kind_zh}共有的取值范围。只买一次，"
                "此后的问题都免费使用；误差到那时才知道。",
                {"column": name, "units": units},
            )
        )
    for column, (low, high) in plan.scope.bought.items():
        if column not in {one.of for one in plan.scope.unbought}:
            said.append(
                Note(
                    "bought_bounds",
                    f"The bounds of {column.text} were found in the data: its values "
                    f"count as {float(low):g} to {float(high):g}, and what few {kind}s "
                    "have beyond is cut off.",
                    f"{column.text} 的边界是从数据中发现的：取值按 {float(low):g} 至 {float(high):g} 计，"
                    f"少数{kind_zh}才有的更大或更小取值被截断。",
                    {"column": column.text, "low": float(low), "high": float(high)},
                )
            )
    return said


def _limit(prepared: Prepared) -> list[Note]:
    """How many rows of a unit count in full, and of whom nothing is known: it is no part of the intervals."""
    plan, bias = prepared.plan, prepared.bias
    kind, kind_zh = plan.unit.kind, KIND_ZH[plan.unit.kind]
    if not is_limited(prepared):
        return []
    if bias is not None and not bias.weighs_rows:
        said = (
            f"What is taken of each {kind}'s rows counts as of at most {plan.scope.max_joined_rows} rows.",
            f"对每个{kind_zh}的行所取的值至多按 {plan.scope.max_joined_rows} 行计。",
        )
    else:
        most = plan.scope.max_joined_rows
        said = (
            f"Each {kind} counts as at most {most} rows of one group, and less where it has many groups.",
            f"每个{kind_zh}在一个分组里至多计 {most} 行，分组多时计得更少。",
        )
    if bias is None:
        return [
            Note(
                "limit",
                f"{said[0]} How much that leaves out is not known: intervals (95 %) "
                "are about the noise alone.",
                f"{said[1]}由此略去多少尚不知道：区间（95 %）只反映噪声。",
                {"max_rows": plan.scope.max_joined_rows},
            )
        ]
    unseen, rows = bias.beyond.unseen, ceil(max(bias.beyond.most_rows, bias.beyond.max_rows))
    return [
        Note(
            "limit",
            f"{said[0]} Intervals (95 %) are about the noise and what that leaves out, but "
            f"for {kind}s with more than {rows} rows, if there are any: there are at most {unseen}.",
            f"{said[1]}区间（95 %）反映噪声及由此略去的部分，但不含超过 {rows} "
            f"行的{kind_zh}（如果有）：至多 {unseen} 个。",
            {"max_rows": plan.scope.max_joined_rows, "rows": rows, "units": unseen},
        )
    ]


def is_limited(prepared: Prepared) -> bool:
    """Whether a limit on a unit's rows may have left something out:
    not where each unit counts once whatever it has."""
    plan = prepared.plan
    if plan.per_unit is not None and len(plan.per_unit.keys) == 1:
        return any(clamped_parts(aggregate.of) for aggregate in plan.parts if aggregate.of is not None)
    return any(total.kind is not TotalKind.UNITS or plan.most_groups < plan.cells for total in plan.totals)


def _clamped_values(prepared: Prepared) -> list[Note]:
    if not any(total.bounds is not None for total in prepared.plan.totals):
        return []
    return [
        Note(
            "clamped_values",
            "Values are clamped to the policy's bounds, or to those of the filter.",
            "超出策略或筛选条件边界的值按边界计。",
        )
    ]


def _rounded_values(prepared: Prepared) -> list[Note]:
    """Columns whose values may lie between the steps on which they are added up: of themselves, or first
    for each unit."""
    scope, steps = prepared.plan.scope, dict[str, Any]()
    for aggregate in prepared.plan.parts:
        if aggregate.aggregation not in (Aggregation.SUM, Aggregation.AVG):
            continue
        inner = [node.of for node in walk(aggregate.of) if isinstance(node, UnitAggregate)]
        for of in (aggregate.of, *inner):
            if isinstance(of, Name) and (found := _step_of(of, scope)):
                steps[of.text] = found
    if not steps:
        return []
    held = (
        "The intervals of sums and averages hold what the values themselves say; what is computed from one "
        "unit's sum may lie beyond by that."
    )
    held_zh = "总和与平均的区间涵盖原始数值的结果；由每个保护对象的总和再计算的数值可能因此超出区间。"
    if prepared.bias is None:  # then no interval is widened
        held = "The intervals are of these steps: what the values themselves say may lie beyond by that."
        held_zh = "区间是取整后总和的区间：原始数值的结果可能因此超出区间。"
    said = ", ".join(f"{name} ({step:g})" for name, step in steps.items())
    said_zh = "、".join(f"{name}（{step:g}）" for name, step in steps.items())
    return [
        Note(
            "rounded_values",
            f"Values are added up as whole steps of the policy: {said}. Each counts as at most half a step "
            f"more or less than it is. {held}",
            f"数值按策略步长取整后相加：{said_zh}。每个数值的偏差至多半个步长。{held_zh}",
            {"steps": steps},
        )
    ]


def _step_of(name: Name, scope: Scope) -> float | None:
    bounds = bounds_of(name, scope)
    return float(bounds.step) if rounding_of(name, bounds, scope) else None


def _clamped_conditions(prepared: Prepared) -> list[Note]:
    """A condition, a key or what is counted computes with a column, where a comparison of the column alone
    takes it as it is."""
    plan = prepared.plan
    asked = [
        *(one for one in (plan.where, plan.per_unit.where if plan.per_unit else None) if one is not None),
        *(key.of for key in plan.keys),
        *(part.of for part in plan.parts if part.of is not None and part.aggregation in COUNTED),
    ]
    found = {name: None for one in asked for name in clamped_columns(one, plan.scope, as_it_is=True)}
    said = []
    for name in found:
        bounds = plan.scope.column(name).bounds
        assert bounds is not None
        low, high = float(bounds.low), float(bounds.high)
        said.append(
            Note(
                "clamped_in_conditions",
                f"Where something is computed from {wording(name)} to choose or to count, values below "
                f"{low:g} count as {low:g}, and values above {high:g} as {high:g}.",
                f"在条件、分组或计数中用 {wording_zh(name)} 计算时，小于 {low:g} 的值按 {low:g} 计，"
                f"大于 {high:g} 的值按 {high:g} 计。",
                {"column": name.text, "low": low, "high": high},
            )
        )
    return said


def _clamped_choices(prepared: Prepared) -> list[Note]:
    """A unit's count or sum chooses groups, and there it counts as of at most this number of rows."""
    plan, bias = prepared.plan, prepared.bias
    kind, kind_zh = plan.unit.kind, KIND_ZH[plan.unit.kind]
    conditions = [plan.where, *([plan.per_unit.where] if plan.per_unit else [])]
    by = [key.of for key in plan.keys if clamped_parts(key.of)] + [
        one for one in conditions if one and clamped_parts(one)
    ]
    if not by:
        return []
    most = plan.scope.max_joined_rows
    units = None if bias is None else ceil(bias.beyond.units + bias.beyond.unseen)
    how_many = (
        f"At most {units} {kind}s have more." if units is not None else "How many have more is not known."
    )
    how_many_zh = f"超过的至多 {units} 个。" if units is not None else "有多少超过尚不知道。"
    return [
        Note(
            "clamped_choice",
            f"{wording(one)} is computed with at most {most} rows of a {kind}: a {kind} with more may be "
            f"in no group, or in another. {how_many}",
            f"{wording_zh(one)} 至多按每个{kind_zh} {most} 行计算："
            f"行数更多的{kind_zh}可能不在任何一组，或在另一组。{how_many_zh}",
            {"expression": wording(one), "max_rows": most, "units": units},
        )
        for one in by
    ]


def _bias(prepared: Prepared) -> list[Note]:
    """How much bounding leaves out. The intervals have it in them, where it is known."""
    plan, kind, kind_zh = prepared.plan, prepared.plan.unit.kind, KIND_ZH[prepared.plan.unit.kind]
    if not is_limited(prepared):
        return []
    said = []
    versions = [
        prepared.version,
        *(table.version for table in plan.scope.joined.values() if isinstance(table, PrivateTable)),
    ]
    for version, beyond in dict(zip(versions, prepared.contribution_histogram, strict=True)).items():
        if beyond is not None and beyond.high >= LEAST_TOLD:
            most = beyond.beyond.max_rows
            said.append(
                Note(
                    "beyond",
                    f"About {beyond.low:.0f} to {beyond.high:.0f} % of all rows of {version.dataset} "
                    f"are beyond the {most} that a {kind} counts in full: counts and sums may be too low, "
                    f"and averages lean to {kind}s with few rows. The intervals say by how much at most.",
                    f"{version.dataset} 约 {beyond.low:.0f} 至 {beyond.high:.0f} % "
                    f"的行超出每个{kind_zh}全额计入的 {most} 行：计数与合计可能偏低，"
                    f"平均偏向行数少的{kind_zh}。区间已含其至多的影响。",
                    {"dataset": version.dataset, "low": beyond.low, "high": beyond.high},
                )
            )
    if prepared.bias is not None and prepared.bias.multiplied:
        fan_out = prepared.bias.multiplied
        said.append(
            Note(
                "multiplied",
                f"One row may meet {fan_out} rows of the open datasets that are joined, and all of them "
                f"count towards a {kind}'s limit. The intervals say by how much counts may be too low.",
                f"一行可与所联开放数据集的至多 {fan_out} 行相遇，它们都计入每个{kind_zh}的上限。"
                "区间已含计数可能偏低的部分。",
                {"fan_out": fan_out},
            )
        )
    return said


def _chosen(prepared: Prepared) -> list[Note]:
    """That released numbers, and so their noise, choose which groups are shown, or their order."""
    plan = prepared.plan
    windows = [node for output in plan.outputs for node in walk(output.of) if isinstance(node, AnswerWindow)]
    ordered = any(isinstance(node, Aggregate) for one in windows for node in walk((one.within, one.order)))
    chosen = is_chosen(plan.afterwards)
    if not chosen and not ordered:
        return []
    said = "Which groups are shown, or their order, follows from released numbers and their noise."
    said_zh = "显示哪些分组或其次序，取决于含噪声的已发布数值。"
    if chosen:
        said += (
            " Intervals and errors are of the groups that are shown, and are wider where few are shown of "
            "many: so 95 in 100 of them hold the truth all the same."
        )
        said_zh += "区间与误差针对所显示的分组；从许多分组中只显示少数时更宽，因此其中仍有 95 % 包含真值。"
    if ordered:
        said += (
            " What LAG, FIRST_VALUE and running or moving windows take from other groups follows the order "
            "as released: where the true order differs, the truth may lie beyond the interval."
        )
        said_zh += (
            "LAG、FIRST_VALUE 以及累计或移动窗口取自其他分组的值，按所发布的次序计算：真实次序不同时，"
            "真值可能超出区间。"
        )
    return [
        Note(
            "chosen_by_noise",
            said,
            said_zh,
            {"groups": plan.cells},
        )
    ]
