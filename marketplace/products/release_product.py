"""Releases other data, or another question, of a product, and takes an announced release back.

What changed is computed. A release that breaks a buyer's program is announced and takes effect after the
notice in policies/prices.yaml; any other takes effect at once.
"""

from dataclasses import asdict, replace
from datetime import date, datetime, time
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import func, select, update

from marketplace.days import Day
from marketplace.products.compatibility import (
    ReleaseChange,
    Schema,
    compare_releases,
    effect_of,
    for_prices_by_the_byte,
    schema_of,
)
from marketplace.products.find import find_product, holders_of
from marketplace.products.list_product import (
    FilesOffer,
    ModelOffer,
    QueryOffer,
    RowsOffer,
    SqlOffer,
    What,
    define,
)
from marketplace.products.model import (
    CopyDefinition,
    Definition,
    FilesDefinition,
    ModelDefinition,
    Product,
    QueryDefinition,
    RowsDefinition,
)
from marketplace.products.release import Release, find_release, lock_releases, releases_of, write_release
from marketplace.products.selling import Selling
from marketplace.products.tables import releases
from sandbox import notices
from sandbox.audit import Event, append
from sandbox.catalog.compare import Effect
from sandbox.city_time import CITY_TIME, city_date
from sandbox.database import Transaction
from sandbox.errors import Conflict, InvalidInput
from sandbox.identity import Principal
from sandbox.plain_text import PlainText
from sandbox.policy import Resource


class NewRelease(BaseModel):
    """What an officer sends. Without `what`, the same columns and keys of the dataset's newest version.

    `effective_on`: from which day a breaking release counts; without it, the first that the notice allows.
    """

    what: What | None = None
    notes: Annotated[PlainText, Field(max_length=2000)] = ""
    effective_on: Day | None = None


def release_product(selling: Selling, *, principal: Principal, product_id: str, new: NewRelease) -> Release:
    """Write the release and entitle the holders of live licences to it.
    Raises `Forbidden`, `NotFound`, `Conflict`, `InvalidInput`, and what the vault refuses with."""
    with selling.database.transaction() as tx:
        product = find_product(tx, product_id)
        require_seller(selling, principal, product)
        check_none_announced(tx, product)
    what = new.what or same_again(product)
    if what.kind != product.kind:
        raise InvalidInput(
            f"A product of {product.kind} cannot become one of {what.kind}.",
            remedy="List another product.",
            zh="产品类型不能改变。",
            remedy_zh="请上架另一个产品。",
        )
    definition, grade = define(
        selling, principal, what, product_id=product.id, dataset=product.dataset, grade=product.grade,
        again=new.what is None,
    )  # fmt: skip
    require_seller(selling, principal, product.model_copy(update={"grade": grade}))
    require_same_team(product.definition, definition)
    before = (product.definition, schema(selling, product.definition), product.grade)
    after = (definition, schema(selling, definition), grade)
    changes = compare_releases(before, after, selling.gate.grades)
    with selling.database.transaction() as tx:
        lock_releases(tx, product.id)
        check_none_announced(tx, product)
        if find_product(tx, product.id).release != product.release:
            raise Conflict(
                "Another release was made at the same time.",
                remedy="Look at it first.",
                zh="此刻另有一个版次发布。",
                remedy_zh="请先查看那个版次。",
            )
        return enter(
            tx, selling, principal=principal, product=product, definition=definition, schema=after[1],
            grade=grade, changes=changes, new=new,
        )  # fmt: skip


def require_same_team(old: Definition, new: Definition) -> None:
    """Whoever bought and whoever made a model or a question rely on its share. Raises `Conflict`."""
    if isinstance(old, QueryDefinition) and isinstance(new, QueryDefinition) and old.origin != new.origin:
        raise Conflict(
            "A product of a competition's question keeps its entry, its team and its share; another query "
            "gets none later.",
            code="question_share_changed",
            remedy="Release it with the same `origin`; or list another product.",
            zh="来自大赛问题的产品须保持其提交、团队和分成；其他查询产品不能事后增加。",
            remedy_zh="请以相同的 origin 发布，或上架另一个产品。",
        )
    if not (isinstance(old, ModelDefinition) and isinstance(new, ModelDefinition)):
        return
    if (old.model, old.team, old.team_percent) != (new.model, new.team, new.team_percent):
        raise Conflict(
            f"This product is of {old.model}, and {old.team_percent} % of it are of the team {old.team}.",
            code="model_share_changed",
            remedy="Release another version of the same model with the same share; or list another product.",
            zh=f"该产品为模型 {old.model}，其收入的 {old.team_percent} % 归团队 {old.team}。",
            remedy_zh="请以相同分成发布同一模型的其他版本，或上架另一个产品。",
        )


def require_seller(selling: Selling, principal: Principal, product: Product) -> None:
    selling.gate.require(principal, "release_product", Resource("Product", product.id, product.cedar))


def same_again(product: Product) -> RowsOffer | FilesOffer | QueryOffer | SqlOffer | ModelOffer:
    if isinstance(product.definition, RowsDefinition):
        definition = product.definition
        return RowsOffer(
            kind="rows",
            keys=tuple(definition.keys),
            columns=definition.columns,
            page_rows=definition.page_rows,
            masks=definition.masks,
        )
    if isinstance(product.definition, FilesDefinition):
        files = product.definition
        return FilesOffer(kind="files", columns=files.columns, formats=files.formats, masks=files.masks)
    if isinstance(product.definition, ModelDefinition):
        model = product.definition
        return ModelOffer(
            kind="model", model=model.model, version=model.version + 1, team_percent=model.team_percent
        )
    raise InvalidInput(
        "A query is asked of the dataset's newest version already.",
        remedy="Send `what` with the new question to release another.",
        zh="查询类产品始终使用数据集的最新版本。",
        remedy_zh="如要发布新的提问，请在 `what` 中写明。",
    )


def schema(selling: Selling, definition: Definition) -> Schema:
    """The types of the columns, read from the copy itself: releases from before did not record them."""
    if not isinstance(definition, CopyDefinition):
        return {}
    return schema_of(selling.copies.table(definition.object, definition.version_id), definition)


def check_none_announced(tx: Transaction, product: Product) -> None:
    """Raises `Conflict`."""
    now = tx.execute(select(func.now())).scalar_one()
    waiting = next((each for each in releases_of(tx, product.id) if each.status_at(now) == "announced"), None)
    if waiting is not None:
        raise Conflict(
            f"Release {waiting.number} is announced for {waiting.effective_at.date()} already.",
            code="release_announced",
            remedy="Wait until it takes effect, or take it back first.",
            zh=f"第 {waiting.number} 号版次已预告于 {waiting.effective_at.date()} 生效。",
            remedy_zh="请等待其生效，或先撤回。",
        )


def takes_effect(
    effect: Effect, *, wanted: date | None, now: datetime, in_use: bool, selling: Selling
) -> datetime:
    """From when it counts: at once, or after the notice if it breaks something and somebody uses it.
    Raises `InvalidInput` for an earlier day."""
    if effect is not Effect.BREAKING or not in_use:
        return now
    notice = selling.rules.release_notice
    first = city_date(now + notice)
    if wanted is not None and wanted < first:
        raise InvalidInput(
            f"This release breaks what buyers call, and they are told {notice.days} days ahead.",
            code="notice_too_short",
            remedy=f"Let it take effect on {first.isoformat()} or later.",
            zh=f"此版次会影响已有调用，须提前 {notice.days} 天告知用户。",
            remedy_zh=f"生效日期不得早于 {first.isoformat()}。",
        )
    return datetime.combine(wanted or first, time(), CITY_TIME)


def enter(
    tx: Transaction,
    selling: Selling,
    *,
    principal: Principal,
    product: Product,
    definition: Definition,
    schema: Schema,
    grade: str,
    changes: list[ReleaseChange],
    new: NewRelease,
) -> Release:
    now: datetime = tx.execute(select(func.now())).scalar_one()
    if selling.buyers.pay_by_the_byte(tx, product.id):
        changes = for_prices_by_the_byte(changes)
    effect = effect_of(changes)
    effective_at = takes_effect(
        effect,
        wanted=new.effective_on,
        now=now,
        in_use=selling.buyers.in_use(tx, product.id),
        selling=selling,
    )
    number = max((each.number for each in releases_of(tx, product.id)), default=0) + 1
    released = product.model_copy(update={"definition": definition, "grade": grade, "release": number})
    # their locks come before the log's, as they do for orders
    holders = selling.buyers.allowed_holders(tx, released)
    return write_release(
        tx,
        product=product.id,
        number=number,
        definition=definition,
        schema=schema,
        grade=grade,
        effect=effect,
        changes=[asdict(each) | {"effect": each.effect.value} for each in changes],
        notes=new.notes.strip(),
        by=principal.id,
        effective_at=effective_at,
        entitle=lambda release: selling.buyers.entitle(tx, product.id, release, holders),
        holders=holders_of(tx, product.id),
    )


def drop_release(selling: Selling, *, principal: Principal, product_id: str, number: int) -> Release:
    """Take an announced release back before it takes effect.
    Raises `Forbidden`, `NotFound`, `Conflict`."""
    with selling.database.transaction() as tx:
        product = find_product(tx, product_id)
        require_seller(selling, principal, product)
        lock_releases(tx, product.id)
        release = find_release(tx, product.id, number)
        now: datetime = tx.execute(select(func.now())).scalar_one()
        if release.status_at(now) != "announced":
            raise Conflict(
                f"Release {number} is {release.status_at(now)}: only an announced one can be taken back.",
                code="wrong_status",
                remedy="Release corrected data instead.",
                zh=f"第 {number} 号版次不是待生效的预告，不能撤回。",
                remedy_zh="请改为发布更正后的数据。",
            )
        tx.execute(update(releases).where(releases.c.id == release.id).values(dropped_at=now))
        append(
            tx,
            Event(
                kind="product.release_dropped",
                actor=principal.id,
                subject=f"product:{product.id}",
                payload={"release": number},
            ),
            to=[notices.developers(each) for each in holders_of(tx, product.id)],
        )
        return replace(release, dropped_at=now)
