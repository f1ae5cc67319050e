"""Answers a buyer's own SQL: explained first, which costs nothing; then held, asked, and settled.

    check -> explain -> commit (held, at the explained loss) -> ask -> settle -> hand out -> confirm
                                                                └ refused or failed: credit, and say why

The vault's gate decides all that is about privacy; what it refuses it says to the buyer, who asked. The
loss that is metered is what the answer spent: a question that was answered before spends nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any

from marketplace.delivery.answer_call import (
    TRIES,
    Delivery,
    another_way,
    draft_of,
    not_delivered,
    turned_away,
)
from marketplace.delivery.call import Call, Delivered, NotDelivered
from marketplace.delivery.query import SHOWN
from marketplace.licences.privacy_account import budget_sold
from marketplace.metering.licence_cache import Opened
from marketplace.metering.limits import Limits
from marketplace.metering.line import Draft, millionths
from marketplace.metering.model import Outcome
from marketplace.metering.verdicts import RefusedByCommit
from marketplace.offers.price import EPSILON_PARTS, Quantity
from marketplace.products.model import SqlDefinition
from marketplace.vault import SERVICE, Vault
from sandbox.errors import (
    BudgetExhausted,
    CihuError,
    Conflict,
    Forbidden,
    InvalidInput,
    TooMany,
    Unavailable,
)
from sandbox.queries.parse.open_question import datasets_named
from sandbox.queries.parse.sql_text import SqlText

TOLD = (InvalidInput, BudgetExhausted, Forbidden, Conflict, TooMany)
"""What the vault refuses with that is the asker's to know."""
EXPLAINED = ("dataset", "version", "epsilon", "delta", "stored", "outputs", "cells", "answer_takes_seconds")


@dataclass(frozen=True)
class SqlCall:
    """A call with a question. `language`: in which the vault refuses it."""

    call: Call
    sql: str
    epsilon: str
    language: str


@dataclass(frozen=True)
class Explained:
    document: dict[str, Any]
    limits: Limits


class SqlDelivery:
    """The parts that answering free SQL needs, beside those of a call."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery

    async def explain(self, asked: SqlCall) -> Explained | NotDelivered:
        """What a question would spend and how exact its answer would be. Costs nothing, touches no data."""
        admitted = await self.admit(asked)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits, grant = admitted
        try:
            told = await self.explained(asked, opened, grant)
        except Exception as error:  # noqa: BLE001  # what is not the asker's to know stays inside
            return NotDelivered(told_of(error, "It costs nothing."), limits)
        budget = told["budget"]
        document = {
            "product": opened.product.id,
            **{name: told[name] for name in EXPLAINED},
            "budget": {
                "epsilon": budget_sold(opened.licence),
                "enough": budget["enough"],
                "percent_used": budget.get("percent_used_now", 0.0),
                "percent_used_after": budget.get("percent_used_after", 0.0),
            },
        }
        return Explained(document, limits)

    async def answer(self, asked: SqlCall) -> Delivered | NotDelivered:
        """Answer a question. A refusal costs nothing and spends nothing."""
        came = asyncio.get_running_loop().time()
        admitted = await self.admit(asked)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits, grant = admitted
        call = asked.call
        if not call.keyed and (used_up := self.delivery.used_up(opened)) is not None:
            return NotDelivered(used_up, limits)
        try:
            told = await self.explained(asked, opened, grant)
            if (refusal := told["budget"].get("refusal")) is not None:
                raise exhausted(refusal)
        except Exception as error:  # noqa: BLE001  # what is not the asker's to know stays inside
            return NotDelivered(told_of(error, "The call costs nothing."), limits)
        draft = replace(
            draft_of(call, opened, came),
            quantity=Quantity(calls=1, successful=1, epsilon_millionths=spent(told["epsilon"])),
            outcome=Outcome.HELD,
        )
        return await self.spend(asked, opened, draft, limits, grant)

    async def spend(
        self, asked: SqlCall, opened: Opened, draft: Draft, limits: Limits, grant: str
    ) -> Delivered | NotDelivered:
        delivery, result = self.delivery, dict[str, Any]()
        for _ in range(TRIES):
            committed = await delivery.metering.committer.submit(draft)
            if isinstance(committed, RefusedByCommit):
                return turned_away(committed, limits)
            if draft.outcome is not Outcome.HELD:
                return Delivered(result, opened.product, opened.licence, draft, committed, limits)
            try:
                ask = partial(ask_sql, self.vault(asked), asked, opened, grant, committed.reference)
                result, reference, epsilon = await delivery.in_thread(ask)
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                credited = await delivery.metering.give_back(draft, committed, only_held=True)
                cost = (
                    "The call costs nothing."
                    if credited
                    else "It was answered before, and is not charged again."
                )
                return NotDelivered(told_of(error, cost), limits)
            except BaseException:  # the service ends while it waits
                delivery.metering.credit_later(draft, committed, only_held=True)
                raise
            counted = replace(
                draft.quantity, epsilon_millionths=epsilon, successful=int(bool(result.get("rows")))
            )
            other = counted != draft.quantity and not committed.replayed
            if other and await delivery.metering.give_back(draft, committed, only_held=True):
                # it was held as something else: metered anew as what it is
                outcome = Outcome.ANSWERED if counted.successful else Outcome.EMPTY
                draft = replace(
                    draft,
                    quantity=counted,
                    outcome=outcome,
                    reference=reference,
                    attempt=committed.attempt + 1,
                    admitted=True,
                )
                continue
            try:
                settled = await delivery.settle(draft, committed, result, reference)
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                return NotDelivered(not_delivered(error, "The call costs nothing."), limits)
            if settled:
                return Delivered(result, opened.product, opened.licence, draft, committed, limits)
            delivery.metering.committer.confirmations.confirm(committed.sequence)  # credited: nothing is open
        return NotDelivered(Unavailable("The call could not be delivered.", remedy="Try again."), limits)

    async def admit(self, asked: SqlCall) -> tuple[Opened, Limits, str] | NotDelivered:
        """What the key opens, and the grant of the licence's account, if the question is one that was
        sold."""
        admitted = await self.delivery.open_key(asked.call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        try:
            # parsing takes longer than the event loop may be held
            return opened, limits, await self.delivery.in_thread(partial(self.checked, asked, opened))
        except CihuError as error:
            return NotDelivered(error, limits)

    def checked(self, asked: SqlCall, opened: Opened) -> str:
        """The grant. Raises `InvalidInput`, `Conflict`, `Forbidden`."""
        product, definition = opened.product, opened.product.definition
        if not isinstance(definition, SqlDefinition):
            raise another_way(product)
        if Decimal(asked.epsilon) > Decimal(definition.epsilon):
            raise InvalidInput(
                f"A question may offer ε {definition.epsilon} at most.",
                code="epsilon_too_large",
                remedy="Offer less.",
                zh=f"每次提问的 ε 至多 {definition.epsilon}。",
                remedy_zh="请减小 epsilon。",
            )
        # a join with another private dataset would spend an account that is not this licence's
        others = datasets_named(SqlText(asked.sql)) - {product.dataset}
        if others:
            raise Forbidden(
                f"This licence is for {product.dataset} alone.",
                code="other_dataset",
                remedy=f"Ask {product.dataset}; another dataset is another product.",
                zh=f"此许可仅限 {product.dataset}。",
                remedy_zh=f"请只查询 {product.dataset}，其他数据集是另外的产品。",
            )
        if opened.licence.privacy_grant is None:
            raise Conflict(
                "The privacy account of the licence is not open yet.",
                code="account_not_open",
                remedy="The department's officer opens it; tell them if it takes long.",
                zh="该许可的隐私账户尚未开立。",
                remedy_zh="由提供部门的数据专员开立；如久未开立请联系对方。",
            )
        return opened.licence.privacy_grant

    async def explained(self, asked: SqlCall, opened: Opened, grant: str) -> dict[str, Any]:
        """Raises what the vault refuses with."""
        explain = partial(
            self.vault(asked).explain, SERVICE, sql=asked.sql, epsilon=asked.epsilon, grant=grant
        )
        told: dict[str, Any] = await self.delivery.in_thread(explain)
        return told

    def vault(self, asked: SqlCall) -> Vault:
        return self.delivery.vault.reading(asked.language)


def ask_sql(
    vault: Vault, asked: SqlCall, opened: Opened, grant: str, reference: Mapping[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The answer, the reference by which the same one is found again, and what was spent in millionths of an
    epsilon. Raises what the vault refuses with."""
    if reference is not None and (stored := reference.get("answer")) is not None:
        answer = vault.answer(SERVICE, str(stored))
    else:
        answer = vault.ask(SERVICE, sql=asked.sql, epsilon=asked.epsilon, grant=grant)
    price = answer["price"]
    result = {name: answer[name] for name in SHOWN if name in answer}
    result["spent"] = {
        "epsilon": price["epsilon"],
        "delta": price["delta"],
        "stored": answer["stored"],
        "budget_epsilon": budget_sold(opened.licence),
        "budget_percent_used": price["grant_percent_used"],
    }
    return result, {"answer": answer["answer_id"]}, spent(price["epsilon"])


def spent(epsilon: float) -> int:
    """A loss in whole millionths, the part of one upwards."""
    parts = (Decimal(repr(epsilon)) * EPSILON_PARTS).to_integral_value(ROUND_CEILING)
    return millionths(format(parts / EPSILON_PARTS, "f"))


def told_of(error: Exception, cost: str) -> CihuError:
    """The refusal in the vault's own words where it is the asker's to know; else that nothing was
    delivered."""
    return error if isinstance(error, TOLD) else not_delivered(error, cost)


def exhausted(refusal: Mapping[str, str]) -> BudgetExhausted:
    return BudgetExhausted(
        refusal["message"],
        code=refusal["code"],
        remedy=refusal["remedy"],
        zh=refusal["message_zh"],
        remedy_zh=refusal["remedy_zh"],
    )
