"""Reads the text of a draft's policy as a document that can be edited, also while it has faults.

Whatever an officer writes can be saved: the faults are told beside it. To change single values, or to keep
what was decided when the file is read again, a text needs the few parts that these work on.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.policy import PolicyFaults, YamlText

WHAT = "The policy"
CODE = "policy_misshapen"
LINE = re.compile(r"line (\d+)")
REMEDY_ZH = "请在策略全文中改正并保存。"


def editable(text: str) -> dict[str, Any]:
    """The document. Raises `InvalidInput` (`policy_misshapen`), which says all that is in the way, with its
    lines, where the text is no YAML or its parts are not of their form."""
    try:
        source = YamlText(text, None, what=WHAT)
    except InvalidInput as unreadable:
        line = LINE.search(unreadable.message)
        unreadable.code = CODE
        unreadable.zh = unreadable.zh or f"策略不是可读的 YAML{f'（第 {line[1]} 行）' if line else ''}。"
        unreadable.remedy_zh = unreadable.remedy_zh or REMEDY_ZH
        raise
    faults = list(_faults(source))
    if faults:
        refused = PolicyFaults(
            " ".join(fault.message for fault in faults),
            remedy=" ".join(fault.remedy for fault in faults),
            faults=faults,
        )
        refused.code, refused.zh = CODE, "".join(fault.zh for fault in faults)
        refused.remedy_zh = "".join(fault.remedy_zh for fault in faults)
        raise refused
    return dict(source.document)


def notes_of(policy: dict[str, Any]) -> int | None:
    """How many rows a policy leaves out at the file's end, where it says so."""
    file = policy.get("file")
    notes = file.get("notes") if isinstance(file, dict) else None
    return notes if type(notes) is int and notes >= 0 else None


def _faults(source: YamlText) -> Iterator[InvalidInput]:
    policy = source.document
    if not isinstance(policy, dict):
        yield _fault(
            source,
            "the text has no fields.",
            "没有字段。",
            "Write fields such as `dataset: ...` and `columns: ...`.",
            "请写入 dataset、columns 等字段。",
        )
        return
    columns = policy.get("columns")
    if not isinstance(columns, dict):
        yield _fault(
            source,
            "`columns` does not list the columns.",
            "columns 未列出栏目。",
            "Write one line a column, such as `age: {role: attribute, type: integer}`.",
            "请每栏写一行，例如 age: {role: attribute, type: integer}。",
            "columns",
        )
        columns = {}
    for name, spec in columns.items():
        if not isinstance(spec, dict):
            yield _fault(
                source,
                f"the column {name} has no fields.",
                f"栏目 {name} 没有字段。",
                "Write `{role: attribute, type: text}` after its name.",
                "请在其名称后写 {role: attribute, type: text}。",
                "columns",
                name,
            )
        elif not isinstance(spec.get("source", ""), str):
            yield _fault(
                source,
                f"the `source` of {name} is no text.",
                f"栏目 {name} 的 source 不是文字。",
                "Write the column's header in quotes.",
                "请把表头写在引号中。",
                "columns",
                name,
                "source",
            )
    dropped = policy.get("dropped_columns", [])
    if not isinstance(dropped, list) or not all(isinstance(label, str) for label in dropped):
        yield _fault(
            source,
            "`dropped_columns` is no list of headers.",
            "dropped_columns 不是表头列表。",
            'Write it as `dropped_columns: ["header", "other"]`, or remove the line.',
            '请写成 dropped_columns: ["表头", "另一表头"]，或删去此行。',
            "dropped_columns",
        )
    if not isinstance(policy.get("steps", []), list):
        yield _fault(
            source,
            "`steps` is no list.",
            "steps 不是列表。",
            "Write each step on a line that begins with `-`, or remove it.",
            "请每个步骤写一行并以 - 开头，或删去此项。",
            "steps",
        )


def _fault(source: YamlText, message: str, zh: str, remedy: str, remedy_zh: str, *path: str) -> InvalidInput:
    """`zh` with the line, too."""
    line = source.line(*path)
    return source.fault(message, *path, remedy=remedy, zh=f"第 {line} 行：{zh}", remedy_zh=remedy_zh)
