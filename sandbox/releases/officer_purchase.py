"""What an officer buys about a version for everybody: once, from the dataset's and the population's budget.

The order is that of the DP gate (`ask.py`). It decides and prices. It reserves the loss and logs in one
transaction. It computes whole numbers and adds noise. It stores, settles and logs in one transaction. A
failure or a crash after the reservation leaves the loss spent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Table, insert, select, update

from sandbox.audit import KINDS, Event, append
from sandbox.budgets import Account, Level, raise_limit, reserve, settle, statement
from sandbox.catalog import Version
from sandbox.database import Database
from sandbox.errors import CihuError, Conflict, InvalidInput, NotAuthenticated
from sandbox.identity import Principal, load_principal
from sandbox.policy import Gate, Refused, log_refusal
from sandbox.privacy import LEAST_EPSILON, MOST_EPSILON, ZERO, PrivacyLoss, epsilon_told
from sandbox.releases.context import AskContext
from sandbox.releases.interrupted import close_interrupted

ENDS = ("asked", "released", "failed", "interrupted")


@dataclass(frozen=True)
class Made:
    """`about`: what everybody is told beside the price. `kept`: other columns of the table. `logged`: what
    the log says beside the id and the price."""

    about: Mapping[str, Any]
    kept: Mapping[str, Any] = field(default_factory=dict)
    logged: Mapping[str, Any] = field(default_factory=dict)


class Make(Protocol):
    """Computes what was bought, and spends at most the loss. What it raises is shown to nobody."""

    def __call__(self, context: AskContext, version: Version, loss: PrivacyLoss) -> Made: ...


@dataclass(frozen=True)
class OfficerPurchase:
    """A kind of purchase. `subject` names it in accounts and log entries, `event` begins the names of its log
    entries. `require` raises `Refused`; `check` looks at what is offered, by public things alone, and raises
    `InvalidInput`; `failed` is told after a failure."""

    table: Table
    subject: str
    event: str
    require: Callable[[Gate, Principal, Version], None]
    check: Callable[[Version, PrivacyLoss], object]
    make: Make
    is_open: Callable[[Version], InvalidInput]
    bought_already: Callable[[Version], Conflict]
    failed: Callable[[UUID, Exception], CihuError]

    def __post_init__(self) -> None:
        unknown = {f"{self.event}.{end}" for end in ENDS} - KINDS.keys()
        if unknown:
            raise ValueError(f"the log has no kind {', '.join(sorted(unknown))}")

    def buy(
        self, context: AskContext, *, officer: Principal, dataset: str, epsilon: Fraction
    ) -> dict[str, Any]:
        """Buy it for the newest version; returns what everybody is told, with the number of the log entry.

        Raises `Forbidden`, `InvalidInput`, `Conflict` if the version has it, `BudgetExhausted`; what `failed`
        makes after data was touched.
        """
        version = context.repository.usable(dataset)
        try:
            self.require(context.gate, officer, version)
        except Refused as refusal:
            log_refusal(context.database, refusal)
            raise
        budget = version.policy.budget
        if version.policy.unit is None or budget is None:
            raise self.is_open(version)
        if not LEAST_EPSILON <= epsilon <= MOST_EPSILON:
            raise InvalidInput(
                "epsilon must lie between 0.000001 and 1000.",
                remedy="Common values are 0.5 to 2.",
                zh="epsilon 应在 0.000001 与 1000 之间。",
                remedy_zh="常用 0.5 至 2。",
            )
        loss = budget.loss(epsilon)
        self.check(version, loss)
        with context.database.lock(f"{self.subject}:{version.name}"):
            id = self._reserve(context, officer, version, loss)
            try:
                made = self.make(context, version, loss)
                about = {
                    "epsilon": epsilon_told(loss, budget.delta),
                    "delta": float(budget.delta),
                    "picorho": loss.picorho,
                    "bought_by": officer.id,
                    **made.about,
                }
                index = self._store(context, officer, version, id, about, made)
            except (Refused, NotAuthenticated):  # the officer may not any more: it depends on no row
                self._fail(context, officer, id)
                raise
            except Exception as failure:  # noqa: BLE001  # whatever it was, it could depend on a row: it is shown to nobody
                self._fail(context, officer, id)
                raise self.failed(id, failure) from None
        return {
            "id": str(id),
            "dataset": version.dataset,
            "version": version.number,
            **about,
            "log_index": index,
        }

    def close_interrupted(self, database: Database) -> int:
        """When a vault starts: closes the purchases that its end cut off; how many there were."""
        return close_interrupted(database, self.table, event=self.event, subject=self.subject)

    def _reserve(self, context: AskContext, officer: Principal, version: Version, loss: PrivacyLoss) -> UUID:
        """Charge the dataset and the population (and, for the form, an account of the purchase's own),
        and log it; or neither."""
        id, account = uuid4(), Account(Level.GRANT, f"{self.subject}:{version.dataset}")
        with context.database.transaction() as tx:
            # again: it may have waited for its lock
            self.require(context.gate, load_principal(tx, officer.id, hold=True), version)
            known = select(self.table.c.id).where(
                self.table.c.dataset == version.dataset,
                self.table.c.number == version.number,
                self.table.c.status == "released",
            )
            if tx.execute(known).first():
                raise self.bought_already(version)
            raise_limit(tx, account, ZERO)
            raise_limit(tx, account, statement(tx, account).spent + loss)
            reserve(
                tx,
                id=id,
                grant=account.key,
                dataset=version.dataset,
                population=version.policy.population,
                loss=loss,
                prepared_for=[version.split],
            )
            tx.execute(
                insert(self.table).values(
                    id=id,
                    dataset=version.dataset,
                    number=version.number,
                    picorho=loss.picorho,
                    status="asked",
                    bought_by=officer.id,
                )
            )
            paid = {"id": str(id), "picorho": loss.picorho}
            append(tx, Event(f"{self.event}.asked", officer.id, f"dataset:{version.name}", paid))
        return id

    def _store(
        self,
        context: AskContext,
        officer: Principal,
        version: Version,
        id: UUID,
        about: dict[str, Any],
        made: Made,
    ) -> int:
        with context.database.transaction() as tx:
            # again: the officer's rights may have ended
            self.require(context.gate, load_principal(tx, officer.id, hold=True), version)
            tx.execute(
                update(self.table)
                .where(self.table.c.id == id)
                .values(status="released", about=about, **made.kept)
            )
            settle(tx, id=id)
            paid = {"id": str(id), "picorho": about["picorho"], **made.logged}
            return append(tx, Event(f"{self.event}.released", officer.id, f"dataset:{version.name}", paid))

    def _fail(self, context: AskContext, officer: Principal, id: UUID) -> None:
        with context.database.transaction() as tx:
            tx.execute(update(self.table).where(self.table.c.id == id).values(status="failed"))
            append(tx, Event(f"{self.event}.failed", officer.id, f"{self.subject}:{id}", {}))
