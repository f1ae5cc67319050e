"""Reads and checks what a predictor declares: the columns that it is given of its one input, and what it
returns a row.

kind: predictor
columns: [age, coinsurance, female]
predicts: {often: probability}      # or number, integer, boolean, text, or the values that
                                    there are: [low, high]
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.catalog import Version
from sandbox.catalog.model import Role
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface
from sandbox.jobs.predictions import ARROW

ENTRY, OUTPUT = "predictor.py", "predictions.parquet"
KINDS = tuple(ARROW)
NAME = re.compile(r"[^\W\d_A-Z]\w{0,62}")
"""What is predicted may be called as a column of a policy is: 高费用, too."""
MOST_COLUMNS, MOST_PREDICTED, MOST_VALUES, LONGEST_VALUE = 200, 20, 1000, 100
EXAMPLE = "columns: [age, female], predicts: {visits: number}"


def checked_interface(said: Mapping[str, Any], versions: Sequence[Version]) -> Interface:
    """The interface of a predictor of these inputs, of which there must be one. Raises `InvalidInput`."""
    if len(versions) != 1:
        raise InvalidInput(
            "A predictor reads one dataset.",
            remedy="Name the one whose rows it is called on.",
            zh="预测程序只读取一个数据集。",
            remedy_zh="请只写它要预测的那个数据集。",
        )
    columns, predicts = said.get("columns"), said.get("predicts")
    there = [column.name for column in versions[0].policy.columns if column.role is not Role.HIDDEN]
    if (
        not isinstance(columns, list)
        or not 1 <= len(columns) <= MOST_COLUMNS
        or len(set(map(str, columns))) < len(columns)
    ):
        raise InvalidInput(
            f"A predictor declares 1 to {MOST_COLUMNS} columns, each once.",
            remedy=f"For example {EXAMPLE}.",
            zh=f"预测程序须声明 1 至 {MOST_COLUMNS} 个栏目，每个一次。",
            remedy_zh=f"例如 {EXAMPLE}。",
        )
    if strange := [str(name) for name in columns if name not in there]:
        raise InvalidInput(
            f"{versions[0].dataset} has no column {strange[0][:60]!r}.",
            remedy=f"Use some of {', '.join(there)}.",
            zh=f"{versions[0].dataset} 没有栏目 {strange[0][:60]!r}。",
            remedy_zh=f"可用：{'、'.join(there)}。",
        )
    if (
        not isinstance(predicts, dict)
        or not 1 <= len(predicts) <= MOST_PREDICTED
        or not all(
            isinstance(name, str) and NAME.fullmatch(name) and name == name.lower() for name in predicts
        )
    ):
        raise InvalidInput(
            f"A predictor declares 1 to {MOST_PREDICTED} names that it predicts, in "
            "small or Chinese letters, digits and _.",
            remedy=f"For example {EXAMPLE}.",
            remedy_zh=f"例如 {EXAMPLE}。",
            zh=f"预测程序须声明 1 至 {MOST_PREDICTED} 个预测名，用小写字母、汉字、数字和 _。",
        )
    return Interface(tuple(columns), {name: _kind(name, kind) for name, kind in predicts.items()})


def _kind(name: str, said: object) -> str | tuple[str | int, ...]:
    if isinstance(said, str) and said in KINDS:
        return said
    if (
        isinstance(said, list)
        and 2 <= len(said) <= MOST_VALUES
        and (
            all(isinstance(one, str) and 0 < len(one) <= LONGEST_VALUE for one in said)
            or all(isinstance(one, int) and not isinstance(one, bool) for one in said)
        )
        and len(set(said)) == len(said)
    ):
        return tuple(said)
    raise InvalidInput(
        f"{name} cannot be predicted as {str(said)[:60]!r}.",
        zh=f"{name} 的预测类型 {str(said)[:60]!r} 不可用。",
        remedy=f"Use one of {', '.join(KINDS)}, or the list of its values, all text or all whole numbers.",
        remedy_zh=f"可用 {'、'.join(KINDS)}，或全部取值的列表（全为文本或全为整数）。",
    )


def as_document(interface: Interface) -> dict[str, Any]:
    """As JSON: to be kept, and for the seal."""
    return {
        "columns": list(interface.columns),
        "predicts": {
            name: list(kind) if isinstance(kind, tuple) else kind for name, kind in interface.predicts.items()
        },
    }
