"""Evaluates what needs no process of a team's: a linear model, and a constant.

A linear model is `coefficients`, one for each column, and an `intercept`, as safetensors. What it predicts
of a row is a sum over that row alone. The vault computes it itself, so no person has a process, and an entry
takes seconds where a program takes minutes. kernels/client/cihu/model_entry.py computes the same.
"""

import json
import math
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandbox.catalog.model import DatasetPolicy
from sandbox.competitions.entries.model_entry import LINEAR, model_program
from sandbox.errors import InvalidInput
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.program import program_sha256

FILE = "model.safetensors"
CONSTANT = "constant.json"
NUMBERS = ("integer", "number", "boolean")
"""Types of columns that a linear model may read."""
LONGEST_HEADER = 10_000
WIDTHS = {"F64": "<f8", "F32": "<f4"}
MODEL_SECONDS = 3
"""Of an entry that the vault evaluates itself: its limit, and when its place is told."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Constant:
    """The same prediction for everybody: a baseline. `kind`: what is predicted."""

    value: str | int | float | bool
    kind: str

    def predict(self, rows: pa.Table, columns: Sequence[str]) -> list[object]:
        return [self.value] * rows.num_rows

    @property
    def program(self) -> Program:
        """For the log's sake: what was scored, and its digest."""
        files = {CONSTANT: json.dumps({"value": self.value, "kind": self.kind})}
        return Program(CONSTANT, files, program_sha256(CONSTANT, files))


@dataclass(frozen=True)
class LinearModel:
    """`coefficients`: one for each declared column. `kind`: what is predicted."""

    coefficients: tuple[float, ...]
    intercept: float
    kind: str

    def predict(self, rows: pa.Table, columns: Sequence[str]) -> list[object]:
        """An item a row; None where a value is missing or the sum is no number. Added up in the order of the
        columns, a row at a time, so that no other row plays a part."""
        total = np.zeros(rows.num_rows)
        with np.errstate(all="ignore"):
            for name, coefficient in zip(columns, self.coefficients, strict=True):
                total = total + coefficient * _numbers(rows, name)
            total = total + self.intercept
            said = 1 / (1 + np.exp(-total)) if self.kind == "probability" else total
        return [self._value(float(score)) for score in said]

    def _value(self, score: float) -> object:
        if not math.isfinite(score):
            return None
        return score > 0 if self.kind == "boolean" else score


def linear_of(
    program: Program, interface: Interface, policy: DatasetPolicy | None = None
) -> LinearModel | None:
    """The model, where a program is nothing but the one of a linear model; None for another program. Raises
    `InvalidInput` for a model that cannot be evaluated; with `policy`, also where it reads a text."""
    encoded = program.files.get(f"{FILE}.b64")
    if encoded is None:
        return None
    try:
        content = b64decode(encoded, validate=True)
    except (NoBase64, ValueError):
        return None
    if program.sha256 != model_program(FILE, content, interface).sha256:
        return None
    (kind,) = interface.predicts.values()
    if kind not in LINEAR:
        raise _bad(
            f"A linear model predicts one of {', '.join(LINEAR)}.",
            f"线性模型的预测类型须为 {'、'.join(LINEAR)} 之一。",
        )
    if policy is not None:
        _require_numbers(interface, policy)
    arrays = _arrays(content)
    if len(arrays["coefficients"]) != len(interface.columns) or len(arrays["intercept"]) != 1:
        raise _bad(
            f"A linear model has one coefficient for each of its {len(interface.columns)} columns, and one "
            "intercept.",
            f"线性模型须为 {len(interface.columns)} 个栏目各有一个系数，并有一个截距。",
        )
    return LinearModel(tuple(map(float, arrays["coefficients"])), float(arrays["intercept"][0]), str(kind))


def by_person(values: Sequence[object], sizes: Sequence[int]) -> list[list[object]]:
    """A list for each person; none of it counts where a row has no prediction, as with a program."""
    found, start = list[list[object]](), 0
    for size in sizes:
        own = list(values[start : start + size])
        found.append([None] * size if None in own else own)
        start += size
    return found


def _require_numbers(interface: Interface, policy: DatasetPolicy) -> None:
    types = {column.name: column.type for column in policy.columns}
    if texts := [name for name in interface.columns if types.get(name, NUMBERS[0]) not in NUMBERS]:
        raise _bad(
            f"The column {texts[0]} has no numbers for a linear model.",
            f"栏目 {texts[0]} 不是数值，线性模型无法使用。",
        )


def _arrays(content: bytes) -> dict[str, Array]:
    """The two arrays of the file; nothing else is taken. Source of the format:
    https://github.com/huggingface/safetensors#format"""
    try:
        length = int.from_bytes(content[:8], "little")
        if not 2 <= length <= LONGEST_HEADER:
            raise ValueError("a header of another length")
        head, body = json.loads(content[8 : 8 + length]), content[8 + length :]
        head.pop("__metadata__", None)
        arrays = {name: _array(about, body) for name, about in head.items()}
        if arrays.keys() != {"coefficients", "intercept"}:
            raise ValueError("other arrays")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise _bad(
            "The file is no safetensors file of finite `coefficients` and `intercept` (F64 or F32).",
            "该文件不是只含 coefficients 和 intercept（F64 或 F32，有限值）的 safetensors 文件。",
        ) from None
    return arrays


def _array(about: Any, body: bytes) -> Array:
    begin, end = about["data_offsets"]
    if not (type(begin) is type(end) is int and 0 <= begin <= end <= len(body)):
        raise ValueError("offsets outside of the file")
    values = np.frombuffer(body[begin:end], WIDTHS[str(about["dtype"])]).astype(np.float64)
    if math.prod(about["shape"]) != len(values) or not np.isfinite(values).all():
        raise ValueError("another shape, or no numbers")
    return values


def _numbers(rows: pa.Table, name: str) -> Array:
    """The column as numbers, NaN where it is empty."""
    values = rows.column(name).to_pylist()
    return np.array([math.nan if value is None else float(value) for value in values], np.float64)


def _bad(message: str, zh: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="bad_model_entry",
        remedy="Correct the model; or save it as skops, which takes a process for each person.",
        zh=zh,
        remedy_zh="请改正模型，或保存为 skops（为每个人启动一个进程）。",
    )
