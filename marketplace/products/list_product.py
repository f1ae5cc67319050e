"""Lists a product on offer.
An officer says what, at which price, under which terms; the vault makes or checks it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.offers.column_masks import Masks
from marketplace.offers.document import OfferDocument
from marketplace.offers.price import Frozen
from marketplace.offers.publish_offer import write_offer
from marketplace.products.compatibility import schema_of
from marketplace.products.copies import key_type
from marketplace.products.find import find_product
from marketplace.products.fitting_terms import check_terms_fit, wrong_mask
from marketplace.products.model import (
    CopyDefinition,
    Definition,
    FileFormat,
    FilesDefinition,
    ModelDefinition,
    ModelField,
    Parameter,
    Product,
    QueryDefinition,
    RowsDefinition,
    SqlDefinition,
    Terms,
    terms_of_document,
    way_of,
)
from marketplace.products.parameters import declared, example
from marketplace.products.question_origin import OfferedOrigin, origin_of
from marketplace.products.release import write_release
from marketplace.products.selling import Selling
from marketplace.products.tables import products
from marketplace.products.template import bind, check_template
from marketplace.vault import PURPOSE, SERVICE, Vault
from sandbox.api_schema import ExactInt
from sandbox.audit import Event, append
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Resource


class RowsOffer(Frozen):
    """Sell rows of a fresh open copy, looked up by these keys. Without `columns`: all that may be open."""

    kind: Literal["rows"]
    keys: tuple[PlainText, ...] = Field(min_length=1)
    columns: tuple[PlainText, ...] | None = None
    page_rows: Annotated[int, Field(strict=True, ge=1, le=1000)] = 100
    masks: Masks = ()


class FilesOffer(Frozen):
    """Sell all rows of a fresh open copy as files."""

    kind: Literal["files"]
    columns: tuple[PlainText, ...] | None = None
    formats: Annotated[tuple[FileFormat, ...], Field(min_length=1)] = ("parquet", "csv")
    masks: Masks = ()


class SqlOffer(Frozen):
    """Sell free SQL on a dataset: each licence gets the privacy budget that its offer names. `epsilon`: the
    most that one question may offer."""

    kind: Literal["sql"]
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")] = "1"


class ModelOffer(Frozen):
    """Sell predictions by a version of a model of the library. `team_percent`: what its team has of each
    invoice's sum for the product, in percent; it does not change later."""

    kind: Literal["model"]
    model: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    version: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]
    team_percent: Annotated[int, Field(strict=True, ge=0, le=90)]


class Budget(Frozen):
    """What the marketplace may spend on the dataset for this product, and until when (a day)."""

    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class QueryOffer(Frozen):
    """Sell answers to a private query.
    Either a `grant` that the marketplace has, or a `budget` to give it one now. `origin`: of a question that
    was entered in a competition; then SQL and parameters are those of the entry."""

    kind: Literal["query"]
    sql: Annotated[PlainText, Field(min_length=1, max_length=20_000)]
    epsilon: Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?$")]
    parameters: tuple[Parameter, ...] = ()
    grant: PlainText | ExactInt | None = None
    budget: Budget | None = None
    origin: OfferedOrigin | None = None


What = Annotated[RowsOffer | FilesOffer | QueryOffer | SqlOffer | ModelOffer, Field(discriminator="kind")]


class Offer(Frozen):
    """What an officer sends to put a product on offer: at simple `terms`, or by an `offer`'s document."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    title_zh: Annotated[PlainText, Field(min_length=1, max_length=200)]
    title_en: Annotated[PlainText, Field(min_length=1, max_length=200)]
    summary_zh: Annotated[PlainText, Field(max_length=2000)] = ""
    summary_en: Annotated[PlainText, Field(max_length=2000)] = ""
    terms: Terms | None = None
    offer: OfferDocument | None = None
    what: What

    @model_validator(mode="after")
    def one_price(self) -> Self:
        if (self.terms is None) == (self.offer is None):
            raise ValueError("a product needs either terms or an offer")
        return self

    @property
    def document(self) -> OfferDocument:
        if self.offer is not None:
            return self.offer
        assert self.terms is not None
        return self.terms.as_document


def list_product(selling: Selling, *, principal: Principal, offer: Offer) -> Product:
    """Put a product on offer, with its first release and its first offer to everybody.
    Raises `Forbidden`, `InvalidInput`, `Conflict`, and what the vault refuses with."""
    vault, copies, gate = selling.vault, selling.copies, selling.gate
    about = vault.dataset(principal.id, offer.dataset)
    department, grade = str(about["department"]), str(about["grade"])
    way = way_of(offer.what.kind)
    gate.require(
        principal,
        "list_product",
        Resource("Product", offer.id, {"department": department, "grade": grade, "way": way}),
    )
    selling.rules.check(offer.document)
    definition, grade = define(
        selling, principal, offer.what, product_id=offer.id, dataset=offer.dataset, grade=grade
    )
    # of a model it is the grade of all that it was made of, and of its dataset today
    grade = gate.grades.combine([str(about["grade"]), grade])
    gate.require(
        principal,
        "list_product",
        Resource("Product", offer.id, {"department": department, "grade": grade, "way": way}),
    )
    schema = (
        schema_of(copies.table(definition.object, definition.version_id), definition)
        if isinstance(definition, CopyDefinition)
        else {}
    )
    product = Product(
        dataset=offer.dataset,
        department=department,
        grade=grade,
        definition=definition,
        status="listed",
        listed_by=principal.id,
        **offer.model_dump(exclude={"dataset", "what", "terms", "offer"}),
        terms=offer.terms or terms_of_document(offer.document),
    )
    check_terms_fit(product, offer.document, copies)
    with selling.database.transaction() as tx:
        columns = product.model_dump(mode="json", exclude={"terms", "listed_at"}) | product.terms.model_dump()
        made = tx.execute(
            insert(products).values(**columns).on_conflict_do_nothing().returning(products.c.id)
        ).first()
        if made is None:
            raise Conflict(
                f"There is already a product {offer.id!r}.",
                remedy="Choose another id.",
                zh=f"已有产品“{offer.id}”。",
                remedy_zh="请换一个标识。",
            )
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
        now = tx.execute(select(func.now())).scalar_one()
        write_release(
            tx, product=product.id, number=1, definition=definition, schema=schema, grade=grade,
            effect="first", changes=[], notes="", by=principal.id, effective_at=now,
        )  # fmt: skip
        write_offer(
            tx,
            rules=selling.rules,
            product_id=product.id,
            document=offer.document,
            starts_at=now,
            by=principal.id,
        )
        return find_product(tx, product.id)


def define(
    selling: Selling,
    principal: Principal,
    what: RowsOffer | FilesOffer | QueryOffer | SqlOffer | ModelOffer,
    *,
    product_id: str,
    dataset: str,
    grade: str,
    again: bool = False,
) -> tuple[Definition, str]:
    """What exactly is sold, the version of the open copy or the query under its grant;
    and its grade, which is for rows that of the dataset and the copied columns together, as the
    vault graded the copy. `again`: the masks are those of the release before, and are made stricter where a
    column's grade rose."""
    vault, copies = selling.vault, selling.copies
    if isinstance(what, QueryOffer):
        return define_query(vault, principal, what, product_id=product_id, dataset=dataset), grade
    if isinstance(what, ModelOffer):
        return define_model(vault, principal, what, dataset=dataset)
    if isinstance(what, SqlOffer):
        return define_sql(vault, principal, what, dataset=dataset), grade
    copy = vault.open_copy(principal.id, dataset, what.columns)
    columns = tuple(column["name"] if isinstance(column, dict) else str(column) for column in copy["columns"])
    object, version_id, chosen = str(copy["object"]), str(copy["version_id"]), str(copy["grade"])
    check_masked(what, columns)
    # what we cannot read, we do not sell
    table = copies.table(object, version_id)
    masks = selling.masks.complete(
        what.masks,
        table=table.select(list(columns)),
        grades=copy.get("column_grades") or {},
        keys=what.keys if isinstance(what, RowsOffer) else (),
        raising=again,
    )
    if isinstance(what, FilesOffer):
        files = FilesDefinition(
            object=object, version_id=version_id, columns=columns, masks=masks, formats=what.formats
        )
        return files, chosen
    if strange := sorted(set(what.keys) - set(columns)):
        raise InvalidInput(
            f"The key {strange[0]!r} is not a column of the open copy.",
            remedy=f"Choose keys among: {', '.join(columns)}.",
            zh=f"查询键“{strange[0]}”不是开放副本的栏目。",
            remedy_zh=f"请在这些栏目中选择：{'、'.join(columns)}。",
        )
    keys = {key: key_type(table, key) for key in what.keys}
    rows = RowsDefinition(
        object=object,
        version_id=version_id,
        columns=columns,
        masks=masks,
        keys=keys,
        page_rows=what.page_rows,
    )
    return rows, chosen


def check_masked(what: RowsOffer | FilesOffer, columns: tuple[str, ...]) -> None:
    """Raises `InvalidInput` for masks that are not of columns, or of keys."""
    names = [mask.column for mask in what.masks]
    keys = set(what.keys) if isinstance(what, RowsOffer) else set()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise wrong_mask(twice[0], "it is masked twice", "重复脱敏")
    if strange := sorted(set(names) - set(columns)):
        raise wrong_mask(strange[0], "it is no column of the open copy", "不是开放副本的栏目")
    if keyed := sorted(keys & set(names)):
        raise wrong_mask(keyed[0], "rows are looked up by it", "是查询键")


def define_sql(vault: Vault, principal: Principal, what: SqlOffer, *, dataset: str) -> SqlDefinition:
    """Raises `InvalidInput` for open data, which has no privacy budget."""
    if not vault.dataset(principal.id, dataset).get("budget"):
        raise InvalidInput(
            f"{dataset} has no privacy budget: free SQL is sold on private data.",
            code="no_budget_to_sell",
            remedy="Sell its rows or files instead.",
            zh=f"{dataset} 没有隐私预算，不能出售自由查询。",
            remedy_zh="请改为出售记录或文件。",
        )
    return SqlDefinition(epsilon=what.epsilon)


def define_model(
    vault: Vault, principal: Principal, what: ModelOffer, *, dataset: str
) -> tuple[ModelDefinition, str]:
    """The model as the library has it, and its grade.
    Raises `NotFound`, `Conflict` for one that is retired or takes another dataset's columns."""
    model = vault.model(principal.id, what.model, what.version)
    if model["status"] != "registered" or model["dataset"] != dataset:
        raise Conflict(
            f"Version {what.version} of {what.model} is {model['status']}, and takes columns of "
            f"{model['dataset']}.",
            code="model_not_for_sale",
            remedy="Name a version that is registered, and the dataset whose columns it takes.",
            zh=f"模型 {what.model} 第 {what.version} 版的输入栏目属于 {model['dataset']}，"
            "或其停用已公告，不能以此上架。",
            remedy_zh="请选择在册的版本，并填写其输入栏目所属的数据集。",
        )
    definition = ModelDefinition(
        model=what.model,
        version=what.version,
        columns=tuple(ModelField(**column) for column in model["columns"]),
        predicts=model["predicts"],
        team=model["team"],
        team_percent=what.team_percent,
        maintainer=model["maintainer"],
    )
    return definition, str(model["grade"])


def define_query(
    vault: Vault, principal: Principal, what: QueryOffer, *, product_id: str, dataset: str
) -> QueryDefinition:
    """The query, once the vault has explained an example of it under its grant:
    what it refuses is not sold. Raises what `origin_of` does."""
    for parameter in what.parameters:
        declared(parameter)
    origin = None
    if what.origin is not None:
        origin = origin_of(
            vault, principal, what.origin, dataset=dataset, sql=what.sql, parameters=what.parameters
        )
    query = QueryDefinition(
        sql=what.sql, epsilon=what.epsilon, grant="-", parameters=what.parameters, origin=origin
    )
    check_template(query)
    query = query.model_copy(
        update={"grant": grant_for(vault, principal, what, product_id=product_id, dataset=dataset)}
    )
    sql = bind(query.sql, {parameter.name: example(parameter) for parameter in query.parameters})
    vault.explain(SERVICE, sql=sql, epsilon=query.epsilon, grant=query.grant)
    return query


def grant_for(vault: Vault, principal: Principal, what: QueryOffer, *, product_id: str, dataset: str) -> str:
    """The grant under which the query is asked.
    With a budget: the marketplace asks for it, the officer approves."""
    if (what.grant is None) == (what.budget is None):
        raise InvalidInput(
            "A query product needs either a grant or a budget.",
            remedy="Give `grant`, or `budget` with epsilon and until.",
            zh="查询产品须有授权或预算。",
            remedy_zh="请指定授权，或填写预算和截止日期。",
        )
    if what.grant is not None:
        grant = next(
            (grant for grant in vault.grants(SERVICE) if str(grant.get("id")) == str(what.grant)), None
        )
        if grant is None or grant.get("dataset") != dataset:
            raise Forbidden(
                "The marketplace has no such grant on this dataset.",
                code="no_grant",
                remedy="Name a live grant of the team marketplace, or give a budget.",
                zh="数据市场在该数据集上没有此项授权。",
                remedy_zh="请指定团队 marketplace 的有效授权，或填写预算。",
            )
        return str(what.grant)
    assert what.budget is not None
    asked = vault.make_request(
        SERVICE,
        dataset=dataset,
        team=SERVICE,
        epsilon=what.budget.epsilon,
        until=what.budget.until,
        purpose=f"{PURPOSE}{product_id}",
    )
    approved = vault.approve(principal.id, str(asked["id"]))
    return str(approved["id"])
