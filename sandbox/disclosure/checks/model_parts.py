"""Finds parts of a model that rest on few units (a leaf of a tree, a scaler's smallest and largest value),
and parts that could be anything: names, numbers in their order."""

import re
from collections import defaultdict
from collections.abc import Iterator
from math import isfinite

import numpy as np

from sandbox.disclosure.checks.column_roles import names_count
from sandbox.disclosure.checks.extremes import names_extreme
from sandbox.disclosure.checks.subject import Subject
from sandbox.disclosure.files.kind import MODELS, Kind
from sandbox.disclosure.finding import Finding, asks, blocks

LEAF = ".n_node_samples"
COUNTS = ("class_count_", "feature_count_", "category_count_")
ENDS = frozenset({"bin_edges_", "quantiles_", "max_abs_"})
"""Parts whose first and last numbers are the smallest and largest of the inputs,
though they are not called so."""


NAME = re.compile(r"[^./:#]+")
BATCHES = "batches_tracked"
"""What torch counts in a layer that normalises: steps, not units."""
MOST_TEMPLATES = 64
"""Names of tensors that differ in more than their numbers."""
MOST_SPARSE = 2
ENOUGH_ORDERED = 12


def model_parts(subject: Subject) -> Iterator[Finding]:
    if subject.opened.kind not in MODELS:
        return
    least = subject.thresholds.minimum_count
    for grid in subject.opened.arrays:
        is_leaf = grid.where.endswith(LEAF)
        if not (is_leaf or _keeps_counts(subject, grid.where)):
            continue
        numbers = [float(cell) for row in grid.rows for cell in row if cell]
        if len(numbers) == 1 and not is_leaf and subject.opened.kind is not Kind.SKOPS:
            continue  # a step, a size
        few = sum(0 < number < least for number in numbers)
        if few and not is_leaf and (subject.opened.kind is Kind.SKOPS or all(map(_is_whole, numbers))):
            yield _small_count(grid.where, few, least)
            return
        if few and is_leaf:
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
    extreme = next((name for name in _names(subject) if _is_extreme(subject, name)), None)
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


def _keeps_counts(subject: Subject, where: str) -> bool:
    if subject.opened.kind is Kind.SKOPS:
        return where.endswith(COUNTS) or any(where.startswith(f"{name} (") for name in COUNTS)
    own = _own_name(where)
    return BATCHES not in own and (f"{own.rstrip('_')}_" in COUNTS or names_count(own))


def _small_count(where: str, few: int, least: int) -> Finding:
    return blocks(
        "model_small_count",
        "small_group",
        f"The model keeps counts ({where[:60]}); {few} of them are below {least} units.",
        f"Merge categories until each has {least} units or more in every class, then train again.",
        f"模型保存了计数（{where[:60]}），其中 {few} 个少于 {least}。",
        f"请合并类别，使每个类别在每一类中至少有 {least} 个个体，然后重新训练。",
        where=where[:80],
    )


def _is_whole(number: float) -> bool:
    return number == int(number) if isfinite(number) else False


def _names(subject: Subject) -> Iterator[str]:
    """What the model calls its parts."""
    if subject.opened.kind is Kind.SKOPS:
        yield from (piece.text for piece in subject.opened.texts)
    else:
        # one number alone is a setting, such as where a layer is cut
        yield from (grid.where for grid in subject.opened.arrays if sum(map(len, grid.rows)) > 1)


def _is_extreme(subject: Subject, name: str) -> bool:
    if subject.opened.kind is Kind.SKOPS:
        return name in ENDS or (name.endswith("_") and names_extreme(name.rstrip("_")))
    own = _own_name(name)
    return f"{own.rstrip('_')}_" in ENDS or names_extreme(own.rstrip("_"))


def _own_name(where: str) -> str:
    """Of a tensor, the last part of its path."""
    parts = NAME.findall(where.partition("#")[0])
    return parts[-1] if parts else ""


def model_names(subject: Subject) -> Iterator[Finding]:
    """Names of tensors that do not follow from few: they could spell what their author liked. Those of ONNX
    do not leave, but for its inputs and outputs."""
    if subject.opened.kind is not Kind.SAFETENSORS or subject.thresholds.minimum_count <= 1:
        return
    names = [piece.text for piece in subject.opened.texts]
    numbers: dict[tuple[str, int], set[int]] = defaultdict(set)
    for name in names:
        template = re.sub(r"\d+", "#", name)
        for place, number in enumerate(re.findall(r"\d+", name)):
            numbers[template, place].add(int(number))
    templates = {re.sub(r"\d+", "#", name) for name in names}
    sparse = any(max(found) >= MOST_SPARSE * len(found) + ENOUGH_ORDERED for found in numbers.values())
    if len(templates) > MOST_TEMPLATES or sparse:
        bits = sum(8 * len(name.encode("utf-8", "surrogatepass")) for name in names)
        yield asks(
            "model_names",
            "hidden_content",
            f"The names of {len(names)} tensors do not follow from few ({names[0][:40]!r}, ...): they could "
            f"spell up to {bits:,} bits.",
            "Number layers and tensors from 0 on, or say where their names come from.",
            f"{len(names)} 个张量的名称没有规律（如 {names[0][:40]!r}）：至多可编码 {bits:,} 比特。",
            "请从 0 起为层和张量编号，或说明名称的来源。",
        )


def ordered_numbers(subject: Subject) -> Iterator[Finding]:
    """Numbers of a model that stand in their order, as quantiles, edges of bins or sorted values do."""
    if subject.opened.kind not in MODELS or subject.thresholds.minimum_count <= 1:
        return
    for grid in subject.opened.arrays:
        if len(grid.header) != 1 or len(grid.rows) < ENOUGH_ORDERED or "." in grid.where.partition(".npy")[2]:
            continue
        numbers = np.array([float(row[0] or "nan") for row in grid.rows])
        gaps = np.diff(numbers)
        if bool((gaps > 0).all() or (gaps < 0).all()) and gaps.max() - gaps.min() > 1e-6 * abs(gaps).max():
            yield asks(
                "ordered_numbers",
                "single_unit",
                f"{len(numbers)} numbers of {grid.where[:60]!r} stand in their order, as quantiles or sorted "
                "values do: the first and the last, or each, can be one unit's own.",
                "Keep few quantiles with enough units between and beyond them, or leave the part out.",
                f"{grid.where[:60]!r} 的 {len(numbers)} 个数值按大小排列，如同分位数或排序后的原值："
                "首尾或每个值都可能属于某个个体。",
                "请只保留少数分位数，使其间及两侧有足够个体；或去掉该部分。",
                where=grid.where[:80],
            )
            return
