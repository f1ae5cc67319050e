"""Finds parts of a model that rest on few units: a leaf of a tree, a scaler's smallest and largest value."""

from collections.abc import Iterator

from sandbox.disclosure.checks.extremes import names_extreme
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding, blocks

LEAF = ".n_node_samples"
COUNTS = ("class_count_", "feature_count_", "category_count_")
ENDS = frozenset({"bin_edges_", "quantiles_", "max_abs_"})
"""Parts whose first and last numbers are the smallest and largest of the inputs,
though they are not called so."""


def model_parts(subject: Subject) -> Iterator[Finding]:
    if subject.opened.kind is not Kind.SKOPS:
        return
    least = subject.thresholds.minimum_count
    for grid in subject.opened.arrays:
        held = (
            [float(cell) for row in grid.rows for cell in row if cell]
            if grid.where.endswith((LEAF, *COUNTS))
            or any(grid.where.startswith(f"{name} (") for name in COUNTS)
            else []
        )
        few = sum(0 < number < least for number in held)
        if few and not grid.where.endswith(LEAF):
            yield blocks(
                "model_small_count",
                "small_group",
                f"The model keeps counts ({grid.where[:60]}); {few} of them are below {least} units.",
                f"Merge categories until each has {least} units or more in every class, then train again.",
                f"模型保存了计数（{grid.where[:60]}），其中 {few} 个少于 {least}。",
                f"请合并类别，使每个类别在每一类中至少有 {least} 个个体，然后重新训练。",
                where=grid.where[:80],
            )
            return
        if few:
            yield blocks(
                "model_small_leaf",
                "small_group",
                f"{few} nodes of a tree stand on fewer than {least} units: what they predict is "
                "nearly a unit's own value.",
                f"Train it with `min_samples_leaf={least}` or more.",
                f"决策树有 {few} 个节点的个体少于 {least} 个，其预测值接近个体取值。",
                f"请以 min_samples_leaf={least} 或更大的值训练。",
                where=grid.where[:80],
            )
            return
    extreme = next(
        (
            piece.text
            for piece in subject.opened.texts
            if piece.text in ENDS or (piece.text.endswith("_") and names_extreme(piece.text.rstrip("_")))
        ),
        None,
    )
    if extreme is not None and subject.thresholds.minimum_count > 1:
        yield blocks(
            "extreme_value",
            "single_unit",
            f"The model keeps the smallest or largest values of its inputs ({extreme[:60]}).",
            "Scale by means and deviations (`StandardScaler`) or quantiles with units "
            "beyond them (`RobustScaler`).",
            f"模型保存了输入的最小或最大值（{extreme[:60]}）。",
            "请改用 StandardScaler 或 RobustScaler。",
            where=extreme[:60],
        )
