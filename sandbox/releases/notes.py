"""What must be said beside an answer, so that it is read rightly? In both languages: it is stored once, for everybody."""

from sandbox.queries.moments import EXTREMES
from sandbox.queries.refusal import KIND_ZH
from sandbox.queries.tree import Aggregate, walk
from sandbox.queries.wording import wording, wording_zh
from sandbox.releases.prepare import Prepared


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
    said.append((f"Each {unit.kind} counts as at most {unit.max_rows} rows of one group, and less where it has many groups; "
                 "values are clamped to the policy's bounds. Intervals (95 %) are about the noise.",
                 f"每个{kind}在一个分组里至多计 {unit.max_rows} 行,分组多时计得更少;超出策略边界的值按边界计。"
                 "区间(95 %)只反映噪声。"))
    return {"notes": [english for english, _ in said], "notes_zh": [chinese for _, chinese in said]}
