"""The refusals of datasets and versions that are not there."""

from collections.abc import Iterable

from sandbox.errors import NotFound


def dataset_not_found(name: str, have: Iterable[str] | None = None) -> NotFound:
    """`name`: as it was typed. The stored spelling would say that the dataset is there. `have`: the datasets
    that there are, where they are told."""
    name = name if name.isprintable() else ascii(name)
    remedy, remedy_zh = "Look for it in the catalogue.", "可在数据目录中查看现有的数据集。"
    if have is not None:
        known = ", ".join(have)
        remedy, remedy_zh = f"There are: {known or 'none yet'}.", f"现有：{known or '尚无'}。"
    return NotFound(
        f"There is no dataset {name}.",
        code="dataset_not_found",
        remedy=remedy,
        zh=f"没有数据集 {name}。",
        remedy_zh=remedy_zh,
    )


def version_not_found(dataset: str, number: int | None) -> NotFound:
    return NotFound(
        f"{dataset} has no version {number}.",
        code="version_not_found",
        remedy=f"List its versions: cihu versions {dataset}, or on the dataset's page.",
        zh=f"{dataset} 没有第 {number} 版。",
        remedy_zh=f"可查看其版本：cihu versions {dataset}，或数据集页面。",
    )
