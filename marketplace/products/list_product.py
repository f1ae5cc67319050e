"""Lists a product on offer.
An officer says what, at which price, under which terms; the vault makes or checks it."""

from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy.dialects.postgresql import insert

from marketplace.products.copies import Copies, key_type
from marketplace.products.model import (
    Definition,
    Frozen,
    Parameter,
    Product,
    QueryDefinition,
    RowsDefinition,
    Terms,
)
from marketplace.products.parameters import declared, example
from marketplace.products.tables import products
from marketplace.products.template import bind, check_template
from marketplace.vault import SERVICE, Vault
from sandbox.api_schema import ExactInt
from sandbox.audit import Event, append
from sandbox.database import Database
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Gate, Resource


class RowsOffer(Frozen):
    """Sell rows of a fresh open copy, looked up by these keys. Without `columns`: all that may be open."""

    kind: Literal["rows"]
    keys: tuple[PlainText, ...] = Field(min_length=1)
    columns: tuple[PlainText, ...] | None = None
    page_rows: Annotated[int, Field(strict=True, ge=1, le=1000)] = 100


class Budget(Frozen):
    """What the marketplace may spend on the dataset for this product, and until when (a day)."""

    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class QueryOffer(Frozen):
    """Sell answers to a private query.
    Either a `grant` that the marketplace has, or a `budget` to give it one now."""

    kind: Literal["query"]
    sql: Annotated[PlainText, Field(min_length=1, max_length=20_000)]
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    parameters: tuple[Parameter, ...] = ()
    grant: PlainText | ExactInt | None = None
    budget: Budget | None = None


class Offer(Frozen):
    """What an officer sends to put a product on offer."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    title_zh: Annotated[PlainText, Field(min_length=1, max_length=200)]
    title_en: Annotated[PlainText, Field(min_length=1, max_length=200)]
    summary_zh: Annotated[PlainText, Field(max_length=2000)] = ""
    summary_en: Annotated[PlainText, Field(max_length=2000)] = ""
    terms: Terms
    what: Annotated[RowsOffer | QueryOffer, Field(discriminator="kind")]


def list_product(
    database: Database, *, gate: Gate, vault: Vault, copies: Copies, principal: Principal, offer: Offer
) -> Product:
    """Put a product on offer. Raises `Forbidden`, `InvalidInput`, `Conflict`,
    and what the vault refuses with."""
    about = vault.dataset(principal.id, offer.dataset)
    department, grade = str(about["department"]), str(about["grade"])
    way = "open_sale" if offer.what.kind == "rows" else "dp"
    gate.require(
        principal,
        "list_product",
        Resource("Product", offer.id, {"department": department, "grade": grade, "way": way}),
    )
    definition, grade = define(vault, copies, principal, offer, grade)
    product = Product(
        dataset=offer.dataset,
        department=department,
        grade=grade,
        definition=definition,
        status="listed",
        listed_by=principal.id,
        **offer.model_dump(exclude={"dataset", "what", "terms"}),
        terms=offer.terms,
    )
    with database.transaction() as tx:
        columns = product.model_dump(mode="json", exclude={"terms", "listed_at"}) | product.terms.model_dump()
        made = tx.execute(
            insert(products).values(**columns).on_conflict_do_nothing().returning(products.c.id)
        ).first()
        if made is None:
            raise Conflict(f"There is already a product {offer.id!r}.", remedy="Choose another id.")
        append(
            tx,
            Event(
                kind="product.listed",
                actor=principal.id,
                subject=f"product:{product.id}",
                payload={
                    "dataset": product.dataset,
                    "kind": product.kind,
                    "grade": grade,
                    "terms": product.terms.model_dump(),
                    "definition": product.definition.model_dump(mode="json"),
                },
            ),
        )
    return product


def define(
    vault: Vault, copies: Copies, principal: Principal, offer: Offer, grade: str
) -> tuple[Definition, str]:
    """What exactly is sold, the version of the open copy or the query under its grant;
    and its grade, which is for rows that of the dataset and the copied columns together, as the
    vault graded the copy."""
    if isinstance(offer.what, RowsOffer):
        copy = vault.open_copy(principal.id, offer.dataset, offer.what.columns)
        columns = tuple(
            column["name"] if isinstance(column, dict) else str(column) for column in copy["columns"]
        )
        if strange := sorted(set(offer.what.keys) - set(columns)):
            raise InvalidInput(
                f"The key {strange[0]!r} is not a column of the open copy.",
                remedy=f"Choose keys among: {', '.join(columns)}.",
            )
        # what we cannot read, we do not sell
        table = copies.table(str(copy["object"]), str(copy["version_id"]))
        keys = {key: key_type(table, key) for key in offer.what.keys}
        return RowsDefinition(
            object=str(copy["object"]),
            version_id=str(copy["version_id"]),
            columns=columns,
            keys=keys,
            page_rows=offer.what.page_rows,
        ), str(copy["grade"])
    return define_query(vault, principal, offer, offer.what), grade


def define_query(vault: Vault, principal: Principal, offer: Offer, what: QueryOffer) -> QueryDefinition:
    """The query, once the vault has explained an example of it under its grant:
    what it refuses is not sold."""
    for parameter in what.parameters:
        declared(parameter)
    query = QueryDefinition(sql=what.sql, epsilon=what.epsilon, grant="-", parameters=what.parameters)
    check_template(query)
    query = query.model_copy(update={"grant": grant_for(vault, principal, offer, what)})
    sql = bind(query.sql, {parameter.name: example(parameter) for parameter in query.parameters})
    vault.explain(SERVICE, sql=sql, epsilon=query.epsilon, grant=query.grant)
    return query


def grant_for(vault: Vault, principal: Principal, offer: Offer, what: QueryOffer) -> str:
    """The grant under which the query is asked.
    With a budget: the marketplace asks for it, the officer approves."""
    if (what.grant is None) == (what.budget is None):
        raise InvalidInput(
            "A query product needs either a grant or a budget.",
            remedy="Give `grant`, or `budget` with epsilon and until.",
        )
    if what.grant is not None:
        grant = next(
            (grant for grant in vault.grants(SERVICE) if str(grant.get("id")) == str(what.grant)), None
        )
        if grant is None or grant.get("dataset") != offer.dataset:
            raise Forbidden(
                "The marketplace has no such grant on this dataset.",
                code="no_grant",
                remedy="Name a live grant of the team marketplace, or give a budget.",
            )
        return str(what.grant)
    assert what.budget is not None
    asked = vault.make_request(
        SERVICE,
        dataset=offer.dataset,
        team=SERVICE,
        epsilon=what.budget.epsilon,
        until=what.budget.until,
        purpose=f"to answer the callers of the product {offer.id}",
    )
    approved = vault.approve(principal.id, str(asked["id"]))
    return str(approved["id"])
