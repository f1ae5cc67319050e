"""What must be said beside an answer, so that it is read rightly? In both languages: it is stored once, for everybody."""

from sandbox.privacy import epsilon_of
from sandbox.queries.bounds_to_buy import least_units
from sandbox.queries.moments import EXTREMES
from sandbox.queries.plan import TotalKind
from sandbox.queries.refusal import KIND_ZH
from sandbox.queries.tree import Aggregate, walk
from sandbox.queries.wording import wording, wording_zh
from sandbox.releases.prepare import Prepared

LEAST_TOLD = 0.5  # percent


def notes(prepared: Prepared) -> dict[str, list[str]]:
    """The notes of an answer: `notes` in English, `notes_zh` the same in Chinese."""
    unit, outputs = prepared.plan.unit, prepared.plan.outputs
    kind = KIND_ZH[unit.kind]
    said: list[tuple[str, str]] = []
    if any(isinstance(node, Aggregate) and node.aggregation in EXTREMES for output in outputs for node in walk(output.asked)):
        said.append(("MIN and MAX are told as the quantiles at 1 % and 99 %: one row's value never leaves.",
                     "MIN 和 MAX 以 1 % 和 99 % 分位数给出:任何一行的值都不会离开。"))
    for share in prepared.price.keys:
        key = share.discovery.of
        said.append((f"The values of {wording(key)} were found in the data: those that fewer than about {share.threshold} "
                     f"{unit.kind}s have are not shown.",
                     f"{wording_zh(key)} 的取值是从数据中发现的:少于约 {share.threshold} 个{kind}共有的不显示。"))
    if prepared.plan.afterwards.sets:
        said.append(("Totals of several groups are the sums of the groups that are shown: they cost nothing, and rows of no "
                     "group are not in them. Their noise is that of all these groups together; a question of their own has less.",
                     "小计由所示各组相加而得:不另花费,不属于任何一组的行不在其中。其噪声为各组噪声之和;单独提问时噪声更小。"))
    if not prepared.plan.totals:
        text = ("These are the values that the policy or an open dataset lists, whether any row has them or not: they are "
                "public, and cost nothing.", "这些是策略或开放数据集列出的取值,无论是否有行具有它们:取值公开,不花费。")
        return {"notes": [text[0]], "notes_zh": [text[1]]}
    said += _of_bounds(prepared)
    said.append((f"Each {unit.kind} counts as at most {unit.max_rows} rows of one group, and less where it has many groups; "
                 "values are clamped to the policy's bounds, or to those of the filter. Intervals (95 %) are about the noise.",
                 f"每个{kind}在一个分组里至多计 {unit.max_rows} 行,分组多时计得更少;超出策略或筛选条件边界的值按边界计。"
                 "区间(95 %)只反映噪声。"))
    said += _left_out(prepared)
    return {"notes": [english for english, _ in said], "notes_zh": [chinese for _, chinese in said]}


def _of_bounds(prepared: Prepared) -> list[tuple[str, str]]:
    """Bounds that no policy has: to be bought first, or bought before."""
    plan, budget = prepared.plan, prepared.version.policy.budget
    kind, kind_zh = plan.unit.kind, KIND_ZH[plan.unit.kind]
    assert budget is not None
    said: list[tuple[str, str]] = []
    for share in prepared.price.bounds:
        name, units = share.bounds.of.text, least_units(share.bounds, share.scale)
        epsilon = epsilon_of(share.loss, budget.delta)
        said.append((f"{name} has no bounds in the policy: they will be bought first, for epsilon {epsilon:.3g} of the price, of "
                     f"values that about {units} or more {kind}s have. Bought once, they are free for every later question; "
                     "errors are known only then.",
                     f"策略没有 {name} 的边界:将先以价格中的 epsilon {epsilon:.3g} 购买,"
                     f"取自约 {units} 个以上{kind_zh}共有的取值范围。只买一次,此后的问题都免费使用;误差到那时才知道。"))
    for column, (low, high) in plan.scope.bought.items():
        if column not in {one.of for one in plan.scope.unbought}:
            said.append((f"The bounds of {column.text} were found in the data: its values count as {float(low):g} to "
                         f"{float(high):g}, and what few {kind}s have beyond is cut off.",
                         f"{column.text} 的边界是从数据中发现的:取值按 {float(low):g} 至 {float(high):g} 计,"
                         f"少数{kind_zh}才有的更大或更小取值被截断。"))
    return said


def _left_out(prepared: Prepared) -> list[tuple[str, str]]:
    """What bounding may keep out of counts and sums: their intervals do not tell it."""
    plan, beyond = prepared.plan, prepared.left_out
    kind, kind_zh = plan.unit.kind, KIND_ZH[plan.unit.kind]
    counted_once = all(total.kind is TotalKind.UNITS for total in plan.totals) and not plan.keys
    if counted_once or plan.max_rows < plan.unit.max_rows:
        return []
    if any(not (join.outer and plan.scope.joined[join.name].has_once(join.right)) for join in plan.joins):
        return [("Joined rows count towards that number too, so counts and sums may be too low by an unknown amount.",
                 "联接后的行也计入上述行数,计数与合计可能偏低,偏低多少未知。")]
    if beyond is None or beyond.high < LEAST_TOLD:
        return []
    return [(f"About {beyond.low:.0f} to {beyond.high:.0f} % of all rows are beyond the {plan.unit.max_rows} that a {kind} "
             f"counts in full: counts and sums may be too low by up to that in all, beside the noise; with a filter by less. "
             f"(Fewer than {beyond.unseen} {kind}s with very many rows may be missing from this.)",
             f"约 {beyond.low:.0f} 至 {beyond.high:.0f} % 的行超出每个{kind_zh}全额计入的 {plan.unit.max_rows} 行:除噪声外,"
             f"计数与合计总共可能偏低至多这么多;有筛选条件时更少。(少于 {beyond.unseen} 个行数极多的{kind_zh}可能未计在内。)")]
