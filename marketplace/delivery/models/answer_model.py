"""Answers a call of a model: rows are checked first, then the call is held, evaluated by the vault in a seal,
and settled.

    check rows -> commit (held) -> predict -> settle -> hand out -> confirm
                                     └ no prediction: credit, and say so

Nothing is evaluated in the portal, and nothing of the rows is kept: a retry with the same Idempotency-Key
sends them again, and is predicted by the version that answered first.
"""

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
from marketplace.metering.licence_cache import Opened
from marketplace.metering.limits import Limits
from marketplace.metering.line import Draft
from marketplace.metering.model import Outcome
from marketplace.metering.verdicts import RefusedByCommit
from marketplace.offers.price import Quantity
from marketplace.products.model import ModelDefinition
from marketplace.vault import SERVICE, Vault
from sandbox.errors import CihuError, Conflict, InvalidInput, TooMany, Unavailable
from sandbox.models.rows import typed_rows

TOLD = (InvalidInput, Conflict, TooMany)
"""What the vault refuses with that is the caller's to know."""
EVALUATORS = 16


@dataclass(frozen=True)
class ModelCall:
    """A call with rows. `language`: in which the vault refuses it."""

    call: Call
    rows: Sequence[Mapping[str, Any]]
    language: str


class ModelDelivery:
    """The parts that answering calls of models needs, beside those of a call. Who waits for a seal waits in
    threads of its own, and holds up nobody who wants rows."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.evaluators = ThreadPoolExecutor(EVALUATORS, thread_name_prefix="model")

    async def answer(self, asked: ModelCall) -> Delivered | NotDelivered:
        """A prediction for each row. Whatever is refused or fails costs nothing."""
        came = asyncio.get_running_loop().time()
        admitted = await self.delivery.open_key(asked.call)
        if isinstance(admitted, NotDelivered):
            return admitted
        opened, limits = admitted
        try:
            definition = opened.product.definition
            if not isinstance(definition, ModelDefinition):
                raise another_way(opened.product)
            await self.delivery.in_thread(partial(check_rows, definition, asked.rows))
        except CihuError as error:
            return NotDelivered(error, limits)
        if not asked.call.keyed and (used_up := self.delivery.used_up(opened)) is not None:
            return NotDelivered(used_up, limits)
        draft = replace(
            draft_of(asked.call, opened, came),
            quantity=Quantity(calls=1, successful=1, rows=len(asked.rows)),
            outcome=Outcome.HELD,
        )
        return await self.spend(asked, opened, definition, draft, limits)

    async def spend(
        self, asked: ModelCall, opened: Opened, definition: ModelDefinition, draft: Draft, limits: Limits
    ) -> Delivered | NotDelivered:
        delivery = self.delivery
        for _ in range(TRIES):
            committed = await delivery.metering.committer.submit(draft)
            if isinstance(committed, RefusedByCommit):
                return turned_away(committed, limits)
            version = int((committed.reference or {}).get("version", definition.version))
            try:
                vault = delivery.vault.reading(asked.language)
                ask = partial(predictions, vault, definition.model, version, asked.rows)
                context = contextvars.copy_context()
                result = await asyncio.get_running_loop().run_in_executor(
                    self.evaluators, partial(context.run, ask)
                )
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                credited = await delivery.metering.give_back(draft, committed, only_held=True)
                cost = "The call costs nothing." if credited else "It is not charged again."
                told = error if isinstance(error, TOLD) else not_delivered(error, cost)
                return NotDelivered(told, limits)
            except BaseException:  # the service ends while it waits
                delivery.metering.credit_later(draft, committed, only_held=True)
                raise
            try:
                settled = await delivery.settle(draft, committed, result, {"version": version})
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                return NotDelivered(not_delivered(error, "The call costs nothing."), limits)
            if settled:
                return Delivered(result, opened.product, opened.licence, draft, committed, limits)
            delivery.metering.committer.confirmations.confirm(committed.sequence)  # credited: nothing is open
        return NotDelivered(Unavailable("The call could not be delivered.", remedy="Try again."), limits)


def check_rows(definition: ModelDefinition, rows: Sequence[Mapping[str, Any]]) -> None:
    """Raises `InvalidInput`, which names row and field."""
    typed_rows([column.model_dump() for column in definition.columns], rows)


def predictions(vault: Vault, model: str, version: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is handed out. Raises what the vault refuses with."""
    made = vault.predict(SERVICE, model, version, [dict(row) for row in rows])
    return {"model": model, "version": version, "predictions": made}
