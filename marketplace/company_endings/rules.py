"""Reads policies/companies.yaml: how much notice an owner gives, and how long the export is there."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.policy import YamlText


@dataclass(frozen=True)
class EndingRules:
    notice: timedelta
    longest_notice: timedelta
    export: timedelta


def read_ending_rules(policies: Path) -> EndingRules:
    """Raises `InvalidInput`, naming the line; also if there is no such file."""
    file = policies / "companies.yaml"
    if not file.exists():
        raise InvalidInput(
            f"{file} is missing: without it no company can end.",
            code="no_company_rules",
            remedy="Copy companies.yaml and companies.schema.json from the policies of this release.",
            zh=f"缺少 {file}：没有它，企业无法终止使用。",
            remedy_zh="请从本版本的 policies 文件夹复制 companies.yaml 和 companies.schema.json。",
        )
    document = YamlText(
        file.read_text("utf-8"), file.with_name("companies.schema.json"), what="policies/companies.yaml"
    ).document
    return EndingRules(
        notice=timedelta(days=document["notice_days"]),
        longest_notice=timedelta(days=document["longest_notice_days"]),
        export=timedelta(days=document["export_days"]),
    )
