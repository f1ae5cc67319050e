"""Answers a call by key: checked, admitted (and so metered), fetched, settled, and only then handed out.

    check -> admit (one transaction) -> fetch -> settle (one transaction) -> hand out
                                          └ we failed: credit (one transaction), and say so

A crash between admitting and settling leaves the call metered; a retry with the same Idempotency-Key gets its
result without paying again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.delivery.query import ask_query
from marketplace.delivery.rows import look_up, read_wish, sample
from marketplace.metering.admit_call import Admission, Call, Limits, Refused, admit_call
from marketplace.metering.settle_call import credit_call, mark_delivered
from marketplace.products.copies import Copies
from marketplace.products.model import Product, RowsDefinition
from marketplace.products.parameters import choose
from marketplace.vault import Vault
from sandbox.database import Database
from sandbox.errors import CihuError, InvalidInput, Unavailable
from sandbox.policy import Grades

TRIES = 3  # a retry of the same call may credit it while we fetch; then it is admitted anew


@dataclass(frozen=True)
class Delivered:
    """What the caller gets."""

    result: Mapping[str, Any]
    admission: Admission


@dataclass(frozen=True)
class NotDelivered:
    """Why the caller gets nothing; it cost nothing."""

    error: CihuError
    limits: Limits | None = None


class Delivery:
    """The parts that answering a call needs."""

    def __init__(self, database: Database, *, grades: Grades, copies: Copies, vault: Vault) -> None:
        self.database = database
        self.grades = grades
        self.copies = copies
        self.vault = vault

    def answer_call(self, call: Call) -> Delivered | NotDelivered:
        """Answer one call. Nothing is charged unless something is handed out."""
        for _ in range(TRIES):
            with self.database.transaction() as tx:
                admitted = admit_call(tx, grades=self.grades, call=call, check=check_parameters)
            if isinstance(admitted, Refused):
                return NotDelivered(admitted.error, admitted.limits)
            try:
                result, reference = self.fetch(admitted, call)
            except Exception as error:  # noqa: BLE001  # whatever it was, the caller shall not pay for it
                return self.give_back(admitted, error)
            with self.database.transaction() as tx:
                if mark_delivered(tx, admission=admitted, reference=reference):
                    return Delivered(result, admitted)
        return NotDelivered(Unavailable("The call could not be delivered.", remedy="Try again."))

    def fetch(self, admission: Admission, call: Call) -> tuple[dict[str, Any], dict[str, Any]]:
        """The result, and how to find the same one again."""
        definition = admission.product.definition
        if not isinstance(definition, RowsDefinition):
            return ask_query(self.vault, definition, call.given, admission.reference)
        table = self.copies.table(definition.object, definition.version_id)
        found = (
            sample(table, definition)
            if call.sample
            else look_up(table, definition, read_wish(definition, call.given))
        )
        return {"version": definition.version_id, **found}, {"version": definition.version_id}

    def give_back(self, admission: Admission, error: Exception) -> NotDelivered:
        """Credit a call that failed; the parameters were good, so it was not the caller's fault.
        The caller learns no more than that: why a query failed is between the seller and the vault."""
        why = error.code if isinstance(error, CihuError) else type(error).__name__
        with self.database.transaction() as tx:
            credited = credit_call(tx, admission=admission, why=why)
        inside = f"{error.message} {error.internal}" if isinstance(error, CihuError) else why
        cost = "The call costs nothing." if credited else "It was delivered before, and is not charged again."
        return NotDelivered(
            Unavailable(
                f"The product cannot be delivered now. {cost}",
                code="not_delivered",
                remedy="Try again later; if it lasts, tell the seller.",
                internal=inside,
            ),
            admission.limits,
        )


def check_parameters(product: Product, call: Call) -> None:
    """Raises `InvalidInput` for parameters that the product does not have or allow."""
    if call.sample:
        if call.given:
            raise InvalidInput("A sample has no parameters.", code="bad_parameter")
        return
    match product.definition:
        case RowsDefinition() as definition:
            read_wish(definition, call.given)
        case definition:
            choose(definition.parameters, call.given)
