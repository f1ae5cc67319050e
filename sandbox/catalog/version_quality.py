"""Keeps the quality report of each version, and says which part of it is public.

The report has exact figures of rows, so only the officer who published the version reads it. Public is what
describes policy and process; what was bought with the dataset's budget; and, of open data, the figures
themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import insert, select, update

from sandbox.catalog.model import DatasetPolicy, Role, Version
from sandbox.catalog.tables import dataset_quality, problem_reports, quality_classes
from sandbox.database import Transaction
from sandbox.ingest import ReadableRows


@dataclass(frozen=True)
class Assessment:
    """A report, and in words what the publishing officer should look at."""

    report: dict[str, Any]
    advice: tuple[str, ...] = ()


class Assess(Protocol):
    """Looks at the typed rows before they are stored. `before` is the last version's report, or what stands
    in its place (`withheld_report`).

    Raises `InvalidInput` (code "quality_rule") where a rule stops the version.
    """

    def __call__(
        self, rows: ReadableRows, policy: DatasetPolicy, *, before: Mapping[str, Any] | None, now: datetime
    ) -> Assessment: ...


def report_of(tx: Transaction, dataset: str, number: int) -> dict[str, Any] | None:
    """The report of a version; None for one that was published before there were reports."""
    report = tx.execute(
        select(dataset_quality.c.report).where(
            dataset_quality.c.dataset == dataset, dataset_quality.c.number == number
        )
    ).scalar_one_or_none()
    return None if report is None else dict(report)


def withheld_report(tx: Transaction, dataset: str, number: int, published_by: str) -> dict[str, Any]:
    """In the place of the report of a version that another officer published. Beside one's own rows, an index
    of drift would tell that version's figures. So it has whose it is, and the classes of completeness that
    were bought, which are public."""
    bought = _bought_classes(tx, dataset, number) or {}
    return {
        "withheld": {"version": number, "published_by": published_by},
        "classes": {
            one["column"]: [one["at_least"], one["at_most"]] for one in bought.get("completeness", ())
        },
    }


def keep_report(tx: Transaction, dataset: str, number: int, report: Mapping[str, Any]) -> None:
    tx.execute(insert(dataset_quality).values(dataset=dataset, number=number, report=dict(report)))


def note_outcomes(tx: Transaction, dataset: str, number: int) -> None:
    """What was answered since the last version stands in the notes of this one."""
    tx.execute(
        update(problem_reports)
        .where(
            problem_reports.c.dataset == dataset,
            problem_reports.c.outcome.is_not(None),
            problem_reports.c.noted_in.is_(None),
        )
        .values(noted_in=number)
    )


def public_quality(tx: Transaction, version: Version) -> dict[str, Any]:
    """What anybody who sees the dataset may know of the version's quality."""
    policy = version.policy
    said: dict[str, Any] = {
        "has_rules": bool(policy.expectations),
        "notes": [
            {
                "version": row.noted_in,
                "outcome": row.outcome,
                "words": row.answer,
                **({"column": row.column} if row.column else {}),
            }
            for row in tx.execute(
                select(problem_reports)
                .where(problem_reports.c.dataset == version.dataset, problem_reports.c.noted_in.is_not(None))
                .order_by(problem_reports.c.noted_in.desc(), problem_reports.c.id.desc())
                .limit(100)
            )
        ],
    }
    if policy.unit is None:
        report = report_of(tx, version.dataset, version.number)
        if report is not None:
            said["completeness"] = [
                {"column": column["name"], "share": column["completeness"]}
                for column in report["columns"]
                if (known := policy.column(column["name"])) is not None and known.role is not Role.HIDDEN
            ]
        return said
    bought = _bought_classes(tx, version.dataset, version.number)
    if bought is not None:
        said["bought"] = bought
    return said


def _bought_classes(tx: Transaction, dataset: str, number: int) -> dict[str, Any] | None:
    about = tx.execute(
        select(quality_classes.c.about).where(
            quality_classes.c.dataset == dataset,
            quality_classes.c.number == number,
            quality_classes.c.status == "released",
        )
    ).scalar_one_or_none()
    return None if about is None else dict(about)
