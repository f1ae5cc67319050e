"""Describes a dataset to anybody who is logged in: its policy in words, never a value from its rows."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sandbox.api_schema import exact_in_json
from sandbox.catalog.lists import Responsible
from sandbox.catalog.model import CatalogueEntry, Column, Version


def describe(version: Version, responsible: Sequence[Responsible] = ()) -> dict[str, Any]:
    """The catalogue entry of a version, as JSON, with those who answer for it."""
    policy = version.policy
    return {
        "name": version.dataset,
        "version": version.number,
        "published_at": version.published_at.isoformat(),
        "published_by": version.published_by,
        "title": {"zh": policy.title.zh, "en": policy.title.en},
        "summary": {"zh": policy.summary.zh, "en": policy.summary.en},
        "department": policy.department,
        "grade": policy.grade,
        "source": policy.source,
        "licence": policy.licence,
        "citation": policy.citation,
        "update_cycle": policy.update_cycle,
        "about_rows": policy.about_rows or None,
        "population": policy.population or None,
        "unit": {"column": policy.unit.column, "kind": policy.unit.kind, "max_rows": policy.unit.max_rows}
        if policy.unit
        else None,
        "budget": {
            "delta": str(policy.budget.delta),
            "dataset_epsilon": float(policy.budget.dataset_epsilon),
            "grant_epsilon": float(policy.budget.grant_epsilon),
            "question_epsilon": float(policy.budget.question_epsilon),
        }
        if policy.budget
        else None,
        "hint_bits": policy.hint_bits,
        **({"certificate": policy.certificate} if policy.certificate else {}),
        "columns": [_column(column) for column in policy.columns],
        **({"catalogue": entry} if (entry := catalogue_entry(policy.catalogue)) else {}),
        "responsible": [
            {"step": entry.step, "officer": entry.officer}
            | ({"deputy": entry.deputy} if entry.deputy else {})
            for entry in responsible
        ],
        **({"notes": version.notes} if version.notes else {}),
        **({"retires_at": version.retires_at.isoformat()} if version.retires_at else {}),
        **({"lineage": version.lineage.document} if version.lineage else {}),
    }


def catalogue_entry(entry: CatalogueEntry) -> dict[str, Any]:
    """The fields that are there."""
    fields = {name: value for name, value in asdict(entry).items() if value}
    return fields | ({"classification": list(entry.classification)} if entry.classification else {})


def _column(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": column.name,
        "role": column.role.value,
        "type": column.type.value,
        "title": {"zh": column.title.zh, "en": column.title.en},
        "grade": column.grade,
    }
    if column.element:
        said["element"] = column.element
    if column.required:
        said["required"] = True
    if column.values:
        said["values"] = [exact_in_json(value) for value in column.values]
    if column.bounds:
        said |= {
            "bounds": [float(column.bounds.low), float(column.bounds.high)],
            "step": str(column.bounds.step),
        }
    if column.measured_in:
        said["measured_in"] = column.measured_in
    return said
