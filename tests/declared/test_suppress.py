"""Which numbers are hidden, and can what is hidden be worked out from margins?
Beside a search of all sets of few units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exact_sums import told_of
from sandbox.declared.contributions import Behind
from sandbox.declared.rules import CellRules
from sandbox.declared.suppress import shown_numbers
from sandbox.declared.table import Key, Table

RULES = CellRules(3, 1, zeros=False, dominance_units=2, dominance_percent=100, prior_percent=0)


def behind(shape: tuple[int, ...], lines: list[tuple[int, int, int]], *, once: bool = False) -> Behind:
    """From (unit, cell, rows)."""
    units = sorted({unit for unit, _, _ in lines})
    unit, cell, rows = np.array(lines, dtype=np.int64).reshape(-1, 3).T
    return Behind(
        shape,
        (once,),
        np.array(units, dtype=np.uint64),
        np.searchsorted(units, unit),
        cell,
        np.minimum(rows, 1)[:, None] if once else rows[:, None],
    )


@st.composite
def tables(draw: st.DrawFn) -> Behind:
    shape = draw(st.sampled_from([(4,), (2, 3), (3, 3)]))
    cells = st.integers(0, int(np.prod(shape)) - 1)
    where = draw(
        st.dictionaries(st.tuples(st.integers(0, 10), cells), st.integers(1, 2), min_size=1, max_size=18)
    )
    return behind(
        shape, [(unit, cell, rows) for (unit, cell), rows in where.items()], once=draw(st.booleans())
    )


@settings(max_examples=120, deadline=None)
@given(tables())
def test_margins_and_shown_cells_tell_of_no_few_units_that_margins_alone_do_not(table: Behind) -> None:
    """Whoever knows every margin that has enough units, and reads the table,
    learns nothing of fewer units than the least."""
    shown = shown_numbers(table, RULES)[:, 0]
    assert not shown[table.units_behind()[:, 0] < RULES.minimum_count].any()
    by_cell = table.by_cell(0)
    margins = [
        table.of_margin(by_cell, margin, 0).toarray()[0].tolist()
        for margin in table.margins()
        if not shown[margin.cells].all()
    ]
    margins = [row for row in margins if np.count_nonzero(row) >= RULES.minimum_count]
    told = by_cell[np.flatnonzero(shown)].toarray().tolist()
    if margins and told:
        for one in range(len(table.units)):
            for other in range(one, len(table.units)):
                few = (one, other) if one != other else (one,)
                assert told_of([*margins, *told], few) == told_of(margins, few)


def test_a_second_cell_protects_the_only_small_one() -> None:
    lines = [
        (unit, cell, 1)
        for cell, units in enumerate([range(40), range(40, 42), range(50, 60)])
        for unit in units
    ]
    assert shown_numbers(behind((3,), lines), RULES)[:, 0].tolist() == [True, False, False]


def test_nobody_is_shown_as_few_unless_the_grade_lets_it() -> None:
    lines = [(unit, 0, 1) for unit in range(40)]
    assert shown_numbers(behind((2,), lines), RULES)[:, 0].tolist() == [True, False]
    assert shown_numbers(behind((2,), lines), CellRules(3, 1, True, 2, 100, 0))[:, 0].tolist() == [True, True]


@pytest.mark.parametrize(
    ("rows", "shown"), [([1] * 20, True), ([50, 50, *[1] * 8], False), ([300, 30, *[2] * 10], False)]
)
def test_a_number_that_two_people_make_is_not_shown(rows: list[int], shown: bool) -> None:
    """n-k 2/90 % and p 10 %, as policies/disclosure.yaml has them."""
    lines = [(unit, 0, number) for unit, number in enumerate(rows)]
    assert bool(shown_numbers(behind((1,), lines), CellRules(5, 1, False, 2, 90, 10))[0, 0]) is shown


def test_numbers_are_rounded_to_the_nearest_multiple() -> None:
    assert [CellRules(10, 5, False, 2, 90, 10).rounded(count) for count in (10, 12, 13, 17, 18)] == [
        10,
        10,
        15,
        15,
        20,
    ]
    assert [CellRules(20, 10, False, 2, 90, 10).rounded(count) for count in (24, 25, 26)] == [20, 30, 30]


def test_a_table_is_kept_as_it_was_and_its_numbers_are_called_by_their_keys() -> None:
    one = behind((2, 2), [(7, 0, 2), (9, 3, 1)])
    back = Behind.from_bytes(one.to_bytes())
    assert (back.shape, back.once) == (one.shape, one.once) and (back.counts() == one.counts()).all()
    assert (back.units == one.units).all()
    table = Table(
        (Key("site", ("a", "b")), Key("year", ("1", "2"))), ("n",), one, np.ones((4, 1), dtype=np.bool_)
    )
    assert table.told().names == (
        "n (site = a, year = 1)",
        "n (site = a, year = 2)",
        "n (site = b, year = 1)",
        "n (site = b, year = 2)",
    )
    assert (
        "n" in table.totals(hidden=False, least=1).names
        and "n (site = a)" in table.totals(hidden=False, least=1).names
    )
