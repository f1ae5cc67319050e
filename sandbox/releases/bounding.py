"""Chooses how the contribution of one unit is bounded in this question, from the plan alone, and explains it
in both languages."""

from sandbox.queries.plan.plan import Plan, TotalKind
from sandbox.queries.refusal import KIND_ZH

Said = tuple[str, str]
"""In English, and in Chinese."""


def bounding(plan: Plan) -> list[Said]:
    """One sentence for each form of bounding that the question's totals have."""
    kinds, unit, most = {total.kind for total in plan.totals}, plan.unit.kind, plan.max_rows
    unit_zh = KIND_ZH[unit]
    said: list[Said] = []
    if kinds - {TotalKind.UNITS, TotalKind.VALUES}:
        said.append(_of_rows(plan, unit, unit_zh, most))
    if TotalKind.UNITS in kinds:
        said.append(
            (
                (
                    f"Each {unit} is counted in at most {plan.most_groups} groups in full, in more "
                    "with as much less weight: whom it counts does not depend on how many rows anybody has."
                ),
                (
                    f"每个{unit_zh}至多在 {plan.most_groups} "
                    "个分组里全额计数，更多则相应减权：与各自有多少行无关。"
                ),
            )
        )
    if TotalKind.VALUES in kinds:
        said.append(
            (
                (
                    f"Of each {unit} at most {most} distinct values count, over all groups; where "
                    f"there are more, so many are drawn for each {unit} apart. A value that no {unit}'s draw "
                    "has is missing, so a count of distinct values may be too low beside the noise."
                ),
                f"每个{unit_zh}在所有分组里至多计 {most} 个不同的取值；更多时为每个{unit_zh}各自抽取。"
                f"没有被任何{unit_zh}抽中的取值不在计数内，因此除噪声外，不同取值的计数可能偏低。",
            )
        )
    return said


def _of_rows(plan: Plan, unit: str, unit_zh: str, most: int) -> Said:
    if plan.per_unit is not None and most == 1:
        return (f"Each {unit} is one row, so it counts in full.", f"每个{unit_zh}只有一行，全额计入。")
    rows = f"Each {unit} has one weight: {most} rows in one group count in full, and more rows as much less."
    rows_zh = f"每个{unit_zh}有一个权重：一个分组里 {most} 行以内全额计入，更多则相应减权。"
    if plan.weights_stored:
        return (
            f"{rows} All rows are asked, by the policy's keys, so the weights lie ready beside the rows.",
            f"{rows_zh}所问为全部行，且按策略的分组栏目，权重已存于行旁。",
        )
    return (
        (
            f"{rows} It follows from the rows that this question leaves, because a filter, a join "
            "or a computed key chooses them: who has fewer left counts more."
        ),
        f"{rows_zh}权重按此问留下的行计算，因为筛选、联表或算出的分组挑选了行：留下越少的人计得越足。",
    )
