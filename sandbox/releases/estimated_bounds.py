"""Reads the bounds that were bought before. They are bought once and serve every question on that version."""

from fractions import Fraction

from sqlalchemy import select

from sandbox.catalog import Version
from sandbox.database import Transaction
from sandbox.errors import QueryRefused
from sandbox.queries import digests_of_keys
from sandbox.queries.tree import Name
from sandbox.queries.types.scope import BoundsEstimation
from sandbox.releases.tables import bought_bounds


def bounds_bought(
    tx: Transaction, wanted: tuple[BoundsEstimation, ...], version: Version
) -> dict[Name, tuple[Fraction, Fraction]]:
    """The bounds of those columns that were bought.
    Raises `QueryRefused` where nothing was found that enough units have."""
    found: dict[Name, tuple[Fraction, Fraction]] = {}
    for one in wanted:
        row = tx.execute(
            select(bought_bounds).where(bought_bounds.c.digest.in_(digests_of_keys(one, version)))
        ).first()
        if row is not None and row.low is None:
            name = one.of.text
            raise QueryRefused(
                f"The column {name}",
                "it has no bounds, and none were found that enough people's values show.",
                instead=f"Write GREATEST(LEAST({name}, high), low) with numbers, or a filter with both.",
                construct_zh=f"栏目 {name}",
                why_zh="它没有边界，也没有发现足够多人的取值所显示的边界。",
                instead_zh=f"请写 GREATEST(LEAST({name}, 上限), 下限)，上下限为数字，或在筛选中写明上下限。",
            )
        if row is not None:
            found[one.of] = Fraction(row.low), Fraction(row.high)
    return found
