"""Says who answered for a thing before it was handed over. Nobody is both of two persons: whoever made it and
handed it over agrees to it no more than whoever has it now.

What is changed again and again keeps its makers itself, in a column of its table.
"""

from collections.abc import Sequence

from sqlalchemy import select

from sandbox.catalog.tables import handovers
from sandbox.database import Transaction


def with_maker(makers: Sequence[str], account: str) -> list[str]:
    """The accounts that made, changed or took over a thing, and this one too."""
    return sorted({*makers, account})


def former_holders(tx: Transaction, kind: str, subject: object) -> frozenset[str]:
    """The accounts that handed it over. `kind`, `subject`: as the hand-over names it (HoldingDocument)."""
    handed = handovers.c.holdings.contains([{"kind": kind, "subject": str(subject)}])
    return frozenset(tx.execute(select(handovers.c.account).where(handed)).scalars())
