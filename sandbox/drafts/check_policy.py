"""Checks a draft's policy: all that keeps it from being published, each with its line."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.catalog.model import DatasetPolicy
from sandbox.drafts.context import DraftContext
from sandbox.drafts.schemas import (
    ProblemDocument,
)
from sandbox.errors import InvalidInput
from sandbox.ingest import Type
from sandbox.policy import PolicyFaults

MOST_PROBLEMS = 20
LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


HEADER_UNSURE = ProblemDocument(
    line=1,
    path="file.header_row",
    message="What stands in the row of names also stands among the values: it may be a row of data.",
    remedy="Say in which row the names stand (`file.header_row`); 0: in none.",
    message_zh="列名所在的行与数据中的值相同，可能是一行数据。",
    remedy_zh="请说明列名在第几行（file.header_row）；0 表示没有列名。",
)


def names_the_header(context: DraftContext, text: str, shape: Mapping[str, Any]) -> bool:
    """Whether a policy says that the names stand where the file was read to have them."""
    try:
        policy = context.repository.read(text)
    except InvalidInput:
        return False
    return bool(policy.file.header_row == shape["format"]["header_row"])


def check_policy(
    context: DraftContext, text: str, shape: Mapping[str, Any]
) -> tuple[DatasetPolicy | None, list[ProblemDocument]]:
    """The policy, or None; and all that keeps it from being published, at most `MOST_PROBLEMS` of them."""
    try:
        policy = context.repository.read(text)
    except InvalidInput as refused:
        faults = refused.faults if isinstance(refused, PolicyFaults) else (refused,)
        problems = [_problem(fault) for fault in faults]
        if len(problems) > MOST_PROBLEMS:
            more = len(problems) - MOST_PROBLEMS
            problems = [
                *problems[:MOST_PROBLEMS],
                ProblemDocument(line=0, message=f"And {more} more.", remedy="Correct these first."),
            ]
        return None, problems
    unfit = {column["source"] for column in shape["columns"] if column["unfit"]}
    lines = text.splitlines()
    problems = [HEADER_UNSURE] if shape["header_unsure"] else []
    for column in policy.file_columns:
        misfits = column.rules.label in unfit
        if misfits and column.unfit.value == "refuse" and column.type is not Type.TEXT:
            line = next(
                (n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{column.name}:")), 1
            )
            problems.append(
                ProblemDocument(
                    line=line,
                    message=f"In {column.name}, some cells do not fit the type {column.type.value}.",
                    remedy="Say what becomes of them: `unfit: empty` or `unfit: drop`; or make it a text.",
                    message_zh=f"栏目 {column.name} 有单元格不符合类型。",
                    remedy_zh="请选择置空（unfit: empty）或去掉所在行（unfit: drop），或改为文本。",
                )
            )
    kinds = {
        column["source"]: frozenset([column["identifier"]])
        for column in shape["columns"]
        if column.get("identifier")
    }
    held = {
        column.name: kinds[column.rules.label] for column in policy.columns if column.rules.label in kinds
    }
    problems += [_problem(fault) for fault in context.repository.lists.faults(policy, held)]
    if policy.budget and policy.population not in context.populations:
        problems.append(
            ProblemDocument(
                line=1,
                message=f"The population {policy.population} has no budget.",
                remedy=f"Use one of {', '.join(context.populations)}.",
                message_zh=f"人群 {policy.population} 没有预算。",
                remedy_zh=f"可用：{'、'.join(context.populations)}。",
            )
        )
    return policy, problems[:MOST_PROBLEMS]


def _problem(fault: InvalidInput) -> ProblemDocument:
    found = LINE.search(fault.message)
    problem = ProblemDocument(
        line=int(found[1]) if found else 1,
        message=found[2] if found else fault.message,
        remedy=fault.remedy,
    )
    if fault.zh:
        problem |= {"message_zh": fault.zh, "remedy_zh": fault.remedy_zh}
    return problem
