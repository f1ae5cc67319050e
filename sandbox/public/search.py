"""Searches the public catalogue: words, facets, order, pages; and what the home page counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from typing import cast as cast_type

from sqlalchemy import ColumnElement, Select, any_, case, cast, desc, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.types import Text

from sandbox.catalog.tables import datasets
from sandbox.database import Transaction, array_of
from sandbox.identity.tables import organisations
from sandbox.public.entries import PublicContext, in_use, refresh
from sandbox.public.schemas import (
    FacetDocument,
    FacetsDocument,
    ListedDataset,
    PublicFigures,
    PublicPage,
    PublisherDocument,
)
from sandbox.public.tables import catalogue_entries as entries
from sandbox.public.terms import query_of

PAGE = 20
MOST_PAGES = 500
MOST_NAMES = 50_000  # of a site map (sitemaps.org)
Sort = Literal["relevance", "newest", "title"]
FACETS = ("department", "grade", "theme", "updates")


@dataclass(frozen=True)
class Search:
    """What somebody looks for; an empty text asks for nothing."""

    q: str = ""
    department: str = ""
    grade: str = ""
    theme: str = ""
    updates: str = ""
    delivery: str = ""
    names: tuple[str, ...] = ()
    sort: Sort = "relevance"
    page: int = 1


def search(context: PublicContext, wanted: Search) -> PublicPage:
    """A page of the listed datasets, and how many there are of each facet."""
    refresh(context)
    conditions = _conditions(context, wanted)
    with context.database.transaction() as tx:
        rows = tx.execute(
            _from(select(entries))
            .where(*conditions)
            .order_by(*_order(wanted))
            .limit(PAGE)
            .offset(PAGE * (wanted.page - 1))
        )
        found = [_listed(row) for row in rows]
        facets, total = _facets(tx, conditions)
    return {"total": total, "page": wanted.page, "size": PAGE, "datasets": found, "facets": facets}


def names(context: PublicContext, wanted: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The names of the listed datasets (all, or those of `wanted`), and when each was published."""
    refresh(context)
    query = _from(select(entries.c.dataset, entries.c.published_at)).where(*_conditions(context, Search()))
    if wanted:
        query = query.where(entries.c.dataset == any_(array_of(wanted)))
    with context.database.transaction() as tx:
        rows = tx.execute(query.order_by(entries.c.dataset).limit(MOST_NAMES))
        return [{"name": row.dataset, "published_at": row.published_at} for row in rows]


def publishers(context: PublicContext) -> list[PublisherDocument]:
    """The departments that have listed datasets, by name."""
    refresh(context)
    query = (
        _from(select(entries.c.department, func.count(), func.max(entries.c.published_at)))
        .where(*_conditions(context, Search()))
        .group_by(entries.c.department)
        .order_by(entries.c.department)
    )
    with context.database.transaction() as tx:
        rows = [tuple(row) for row in tx.execute(query)]
        titles = department_names(tx, [row[0] for row in rows])
    return [
        {"id": row[0], "name": titles.get(row[0], row[0]), "datasets": row[1], "newest": row[2]}
        for row in rows
    ]


def figures(context: PublicContext) -> PublicFigures:
    """What the home page counts."""
    known = publishers(context)
    return {"datasets": sum(one["datasets"] for one in known), "departments": len(known)}


def department_names(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    rows = tx.execute(
        select(organisations.c.id, organisations.c.display_name).where(organisations.c.id.in_(ids))
    )
    return {row.id: row.display_name for row in rows}


def _from(query: Select[Any]) -> Select[Any]:
    return query.select_from(entries.join(datasets, datasets.c.name == entries.c.dataset))


def _conditions(context: PublicContext, wanted: Search) -> list[ColumnElement[bool]]:
    conditions = [in_use()]
    if aside := [one.dataset for one in context.repository.aside()]:
        conditions.append(entries.c.dataset.not_in(aside))
    if wanted.names:
        conditions.append(entries.c.dataset.in_(wanted.names))
    if (query := query_of(wanted.q)) is not None:
        conditions.append(entries.c.terms.op("@@")(cast(literal(query), TSQUERY)))
    elif wanted.q.strip():
        conditions.append(literal(value=False))
    conditions += [entries.c[name] == value for name in FACETS if (value := getattr(wanted, name))]
    if wanted.delivery:
        conditions.append(literal(wanted.delivery) == any_(entries.c.delivery))
    return conditions


def _order(wanted: Search) -> list[ColumnElement[Any]]:
    newest = [desc(entries.c.published_at), entries.c.dataset]
    if wanted.sort == "title":
        return [entries.c.title_zh, entries.c.dataset]
    if wanted.sort == "newest" or not wanted.q.strip():
        return newest
    titles = func.lower(entries.c.title_zh + " " + entries.c.title_en + " " + entries.c.dataset)
    in_title = func.strpos(titles, cast(literal(wanted.q.strip().lower()), Text)) > 0
    return [case((in_title, 0), else_=1), *newest]


def _facets(tx: Transaction, conditions: list[ColumnElement[bool]]) -> tuple[FacetsDocument, int]:
    """One pass over what was found, for all facets and the total."""
    columns = [entries.c[name] for name in FACETS]
    grouped = (
        _from(select(*columns, func.grouping(*columns).label("which"), func.count().label("number")))
        .where(*conditions)
        .group_by(func.grouping_sets(*columns, tuple_()))
    )
    total = 0
    facets: dict[str, list[FacetDocument]] = {name: [] for name in (*FACETS, "delivery")}
    for row in tx.execute(grouped):
        if row.which == 2 ** len(FACETS) - 1:
            total = row.number
            continue
        at = next(place for place in range(len(FACETS)) if not row.which & (1 << (len(FACETS) - 1 - place)))
        if row[at]:
            facets[FACETS[at]].append(FacetDocument(value=row[at], number=row.number))
    way = func.unnest(entries.c.delivery).label("way")
    ways = _from(select(way, func.count().label("number"))).where(*conditions).group_by(way)
    facets["delivery"] = [FacetDocument(value=row.way, number=row.number) for row in tx.execute(ways)]
    for values in facets.values():
        values.sort(key=lambda each: (-each["number"], each["value"]))
    ids = [each["value"] for each in facets["department"]]
    titles = department_names(tx, ids) if ids else {}
    for each in facets["department"]:
        each["name"] = titles.get(each["value"], each["value"])
    return cast_type("FacetsDocument", facets), total


def _listed(row: Any) -> ListedDataset:
    return {
        "name": row.dataset,
        "version": row.number,
        "title": {"zh": row.title_zh, "en": row.title_en},
        "summary": {"zh": row.summary_zh, "en": row.summary_en},
        "department": row.department,
        "grade": row.grade,
        "theme": row.theme,
        "updates": row.updates,
        "delivery": list(row.delivery),
        "columns": row.column_count,
        "about_rows": row.about_rows,
        "published_at": row.published_at,
    }
