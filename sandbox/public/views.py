"""Describes a listed dataset to anybody: each field is named here, and what is not named is not told."""

from typing import Any, cast

from sqlalchemy import select

from sandbox.api_schema import exact_in_json
from sandbox.catalog.compare import compare, effect_of
from sandbox.catalog.describe import catalogue_entry
from sandbox.catalog.model import Column, Version
from sandbox.catalog.not_found import dataset_not_found
from sandbox.catalog.tables import dataset_versions, datasets, open_copies
from sandbox.catalog.version_quality import public_quality
from sandbox.city_time import city_date
from sandbox.database import Transaction
from sandbox.demands.tables import demands
from sandbox.errors import CihuError, NotFound
from sandbox.public.entries import PublicContext, delivery_of, in_use, public_columns, refresh
from sandbox.public.schemas import PublicColumn, PublicDataset, PublicDemand, PublicQuality, PublicVersion
from sandbox.public.search import department_names, names
from sandbox.public.tables import catalogue_entries

MOST_DEMANDS = 200


def listed_version(context: PublicContext, name: str) -> Version:
    """The version in use of a listed dataset. Raises `NotFound`, the same for all that is not listed."""
    missing = dataset_not_found(name if name.isprintable() else ascii(name))
    if not name.isprintable() or not name.isascii():
        raise missing
    refresh(context)
    with context.database.transaction() as tx:
        listed = tx.execute(
            select(catalogue_entries.c.number)
            .join(datasets, datasets.c.name == catalogue_entries.c.dataset)
            .where(catalogue_entries.c.dataset == name, in_use())
        ).scalar_one_or_none()
    if listed is None:
        raise missing
    try:
        version = context.repository.current(name)
    except CihuError:  # set aside, or withdrawn in between: a stranger learns neither
        raise missing from None
    # the index is derived: what counts is the policy of the version that is told
    if not context.sees(version.policy, version.dataset):
        raise missing
    return version


def public_dataset(context: PublicContext, version: Version) -> PublicDataset:
    """What a stranger may know of a listed dataset."""
    policy, grade = version.policy, context.gate.grades[version.policy.grade]
    with context.database.transaction() as tx:
        quality = _quality(public_quality(tx, version), {column.name for column in public_columns(policy)})
        versions = _versions(context, tx, version)
        rows = _rows(context, tx, version)
        department = department_names(tx, [policy.department]).get(policy.department, policy.department)
    document: dict[str, Any] = {
        "name": version.dataset,
        "version": version.number,
        "published_at": version.published_at,
        "title": {"zh": policy.title.zh, "en": policy.title.en},
        "summary": {"zh": policy.summary.zh, "en": policy.summary.en},
        "department": policy.department,
        "department_name": department,
        "grade": policy.grade,
        "grade_name": {"zh": grade.name_zh, "en": grade.name_en},
        "ways": [
            {"id": way, "text": {"zh": words[1], "en": words[0]}, "possible": way in grade.possible}
            for way, words in context.gate.grades.ways.items()
        ],
        "delivery": delivery_of(context, policy, version.dataset),
        "source": policy.source,
        "licence": policy.licence,
        "citation": policy.citation,
        "update_cycle": policy.update_cycle,
        "about_rows": policy.about_rows or None,
        "unit": policy.unit.kind if policy.unit else None,
        "columns": [_column(column) for column in public_columns(policy)],
        "catalogue": catalogue_entry(policy.catalogue),
        "quality": quality,
        "versions": versions,
        "made_of": _made_of(context, version),
    }
    if rows is not None:
        document["rows"] = rows
    if version.retires_at is not None:
        document["retires_at"] = version.retires_at
    return cast("PublicDataset", document)


def public_demands(context: PublicContext) -> list[PublicDemand]:
    """The demand list, the newest first: a title, whom it asks, and what became of it."""
    with context.database.transaction() as tx:
        rows = list(tx.execute(select(demands).order_by(demands.c.id.desc()).limit(MOST_DEMANDS)))
        titles = department_names(tx, list({row.department for row in rows})) if rows else {}
    met = [row.dataset for row in rows if row.dataset]
    listed = {one["name"] for one in names(context, met)} if met else set()
    found = []
    for row in rows:
        demand = PublicDemand(
            id=row.id,
            title=row.title,
            department=row.department,
            department_name=titles.get(row.department, row.department),
            state=row.state,
            asked_on=city_date(row.asked_at).isoformat(),
        )
        if row.dataset in listed:
            demand["dataset"] = row.dataset
        found.append(demand)
    return found


def _column(column: Column) -> PublicColumn:
    told: dict[str, Any] = {
        "name": column.name,
        "role": column.role.value,
        "type": column.type.value,
        "title": {"zh": column.title.zh, "en": column.title.en},
        "grade": column.grade,
    }
    if column.values:
        told["values"] = [exact_in_json(value) for value in column.values]
    if column.bounds:
        told["bounds"] = [float(column.bounds.low), float(column.bounds.high)]
        told["step"] = str(column.bounds.step)
    if column.measured_in:
        told["measured_in"] = column.measured_in
    return cast("PublicColumn", told)


def _quality(known: dict[str, Any], columns: set[str]) -> PublicQuality:
    """Without who bought it and for how much, and without hidden columns."""
    quality = PublicQuality(
        has_rules=known["has_rules"],
        notes=[note for note in known["notes"] if note.get("column") in (None, *columns)],
    )
    if "completeness" in known:
        quality["completeness"] = [one for one in known["completeness"] if one["column"] in columns]
    if "bought" in known:
        classes = known["bought"]
        quality["bought"] = [one for one in classes["completeness"] if one["column"] in columns]
        quality["wrong_at_most"] = classes["wrong_at_most"]
    return quality


def _versions(context: PublicContext, tx: Transaction, version: Version) -> list[PublicVersion]:
    """The newest first; those that were opened, were not withdrawn, and whose own policy lists them."""
    rows = tx.execute(
        select(dataset_versions.c.number)
        .where(
            dataset_versions.c.dataset == version.dataset,
            dataset_versions.c.opened_at.is_not(None),
            dataset_versions.c.withdrawn_at.is_(None),
            dataset_versions.c.number <= version.number,
        )
        .order_by(dataset_versions.c.number)
    )
    found: list[PublicVersion] = []
    before: Version | None = None
    for number in [row.number for row in rows]:
        try:
            known = context.repository.version(tx, version.dataset, number)
        except CihuError:
            continue
        if not context.sees(known.policy, known.dataset):
            before = None
            continue
        hidden = _hidden(known) | (_hidden(before) if before else set())
        changes = compare(before.policy, known.policy, context.gate.grades) if before else []
        told = [change for change in changes if change.column not in hidden]
        found.append(
            {
                "number": number,
                "published_at": known.published_at,
                "notes": known.notes,
                "effect": effect_of(told).value if before else None,
                "changes": [{"zh": change.text.zh, "en": change.text.en} for change in told],
                "in_use": number == version.number,
            }
        )
        before = known
    return found[::-1]


def _hidden(version: Version) -> set[str]:
    shown = {column.name for column in public_columns(version.policy)}
    return {column.name for column in version.policy.columns} - shown


def _rows(context: PublicContext, tx: Transaction, version: Version) -> dict[str, Any] | None:
    """The newest copy of this version, opened by a review, if its policy opens it without a condition."""
    if version.policy.unit is not None or not context.reads_rows(version.policy, version.dataset):
        return None
    copy = tx.execute(
        select(open_copies)
        .where(open_copies.c.dataset == version.dataset, open_copies.c.number == version.number)
        .order_by(open_copies.c.id.desc())
        .limit(1)
    ).first()
    shown = {column.name for column in public_columns(version.policy)}
    if copy is None or not set(copy.columns) <= shown:
        return None
    if not context.gate.grades.allows(copy.grade, "open_sale"):
        return None
    return {
        "object": copy.object_name,
        "version_id": copy.object_version,
        "columns": copy.columns,
        "rows": copy.rows,
    }


def _made_of(context: PublicContext, version: Version) -> list[Any]:
    """The inputs of a derived version that are listed themselves."""
    inputs = version.lineage.document["inputs"] if version.lineage else []
    found = []
    for one in inputs:
        try:
            listed_version(context, one["dataset"])
        except NotFound:
            continue
        found.append({"dataset": one["dataset"], "version": one["version"]})
    return found
