"""Runs a derivation: the rows are computed inside the vault, and published as the next version.

Of others' rows whoever runs it learns that it is done, and nothing else: no number of rows, no report; every
failure after rows were read looks alike, and takes the agreements with it; and it ends at whole multiples of
the grain after its begin, and so do its place and the lock of its dataset. Derivations run one at a time, and
nobody waits for the place.
"""

import logging
from contextlib import suppress
from typing import Any

from sqlalchemy import Row, update

from sandbox.audit import Event, append
from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.notice import PublishersWord
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.publish import Published, publish
from sandbox.database import Transaction
from sandbox.derivations.check import check_derivation, figures_hidden
from sandbox.derivations.compute import DerivedFile
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.derivations import document, fail, require_runnable, required_row, second_officer
from sandbox.derivations.grain import only_place
from sandbox.derivations.inputs import hold_inputs, lineage, read_inputs
from sandbox.derivations.relation import Relation
from sandbox.derivations.schemas import DerivationDocument
from sandbox.derivations.tables import derivations
from sandbox.errors import CihuError, Conflict
from sandbox.identity import Principal
from sandbox.ingest.file_format import FileFormat, Format

log = logging.getLogger("cihu.derivations")


def run(
    context: DerivationContext,
    officer: Principal,
    dataset: str,
    *,
    word: PublishersWord,
    confirmed: frozenset[str] = frozenset(),
) -> DerivationDocument:
    """Compute and publish it. `confirmed`: what the officer answers with yes of the review before it opens;
    the second officer of the department has answered by agreeing.

    Raises `Conflict` where it waits for officers, may not be published, or another one is at work; and
    `Conflict` (code "derivation_failed") for whatever happens after rows were read."""
    with context.database.try_lock(f"derive:{dataset.lower()}"):
        with context.database.transaction() as tx:
            row, policy, relation, inputs = _checked(context, tx, officer, dataset)
            hidden = figures_hidden(officer.id, inputs)
            second = second_officer(tx, row)
        drafting = context.drafting
        file = DerivedFile(context.database, drafting.store, policy, relation, inputs)

        def registered(tx: Transaction, version: Version) -> None:
            # withdrawn or changed meanwhile: nothing is registered
            held = require_runnable(context, tx, officer, dataset)
            if held.revision != row.revision:
                raise _failed()
            hold_inputs(tx, [each.dataset for each in inputs])
            read_inputs(context, tx, officer, policy.derive)
            tx.execute(
                update(derivations)
                .where(derivations.c.dataset == row.dataset)
                .values(state="published", version=version.number, failed_at=None)
            )

        with only_place(context.grain_seconds if hidden else 0) as grain:

            def ready() -> None:
                if file.touched:
                    try:
                        with suppress(CihuError):  # where this fails, the next start sweeps it
                            file.remove()
                    finally:
                        grain.wait()

            with context.database.transaction() as tx:
                append(
                    tx,
                    Event(
                        "derivation.begun", officer.id, f"dataset:{row.dataset}", {"revision": row.revision}
                    ),
                )
            try:
                done: Published = publish(
                    context.database,
                    repository=drafting.repository,
                    store=drafting.store,
                    gate=drafting.gate,
                    populations=drafting.populations,
                    officer=officer,
                    policy_text=row.policy,
                    body=file,
                    assess=None if hidden else drafting.assess,
                    word=word,
                    notice=drafting.notice,
                    given=FileFormat(format=Format.PARQUET),
                    registered=registered,
                    lineage=lineage(policy, relation, inputs),
                    blind=hidden,
                    ready=ready,
                    opening=OpeningAnswers(confirmed, second, frozenset(row.makers)),
                )
            except Exception as error:
                if not file.touched:
                    raise
                grain.wait()
                # whatever it was, also a fault of ours: its words could quote a value, and of others' rows
                # its kind would tell something of them
                log.warning(
                    "a derivation failed%s", "" if hidden else f" after rows were read: {_kind(error)}"
                )
                fail(context, row.dataset, row.revision)
                if not hidden and isinstance(error, CihuError):
                    raise
                raise _failed() from None
    if not done.held:
        drafting.published(officer, done.version)
    with context.database.transaction() as tx:
        derivation = document(context, tx, required_row(tx, row.dataset))
    if not hidden:
        derivation["advice"] = done.advice()
    return derivation


def _checked(
    context: DerivationContext, tx: Transaction, officer: Principal, dataset: str
) -> tuple[Row[Any], DatasetPolicy, Relation, tuple[Version, ...]]:
    """What is to be run. Since it was agreed to, a version may have been withdrawn, and the lists changed."""
    row = require_runnable(context, tx, officer, dataset)
    drafting = context.drafting
    policy = drafting.repository.read(row.policy)
    relation, inputs = read_inputs(context, tx, officer, policy.derive)
    check_derivation(
        policy,
        relation,
        inputs,
        gate=drafting.gate,
        lists=drafting.repository.lists,
        hidden=figures_hidden(officer.id, inputs),
    )
    return row, policy, relation, inputs


def _kind(error: Exception) -> str:
    return error.code if isinstance(error, CihuError) else type(error).__name__


def _failed() -> Conflict:
    return Conflict(
        "The derivation could not be published.",
        code="derivation_failed",
        remedy="Nobody is told why, since that may depend on the rows. Have it agreed to anew.",
        zh="派生未能发布。",
        remedy_zh="原因可能取决于数据，因此不予说明。请改正后重新取得同意。",
    )
