"""Which suppressed cells follow from totals: the solver's bounds are those that trying
every whole number gives."""

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.disclosure.checks.margins import bound_cells, judge_margins
from sandbox.disclosure.checks.table_cells import TOTAL, Cell, sums_of


def table(counts: list[list[int]], hidden: set[tuple[int, int]]) -> list[Cell]:
    """A cross-tabulation with all its totals; the hidden inner cells have no value."""
    rows, columns = len(counts), len(counts[0])
    cells = [
        Cell(
            (("a", str(row)), ("b", str(column))),
            None if (row, column) in hidden else Fraction(counts[row][column]),
            f"{row},{column}",
        )
        for row in range(rows)
        for column in range(columns)
    ]
    cells += [Cell((("a", str(row)), ("b", TOTAL)), Fraction(sum(counts[row])), "") for row in range(rows)]
    cells += [
        Cell((("a", TOTAL), ("b", str(column))), Fraction(sum(line[column] for line in counts)), "")
        for column in range(columns)
    ]
    return [*cells, Cell((("a", TOTAL), ("b", TOTAL)), Fraction(sum(map(sum, counts))), "")]


def tried(cells: list[Cell]) -> dict[int, tuple[int, int]]:
    """The same by trying: every filling of the hidden cells that keeps all sums."""
    hidden = [place for place, cell in enumerate(cells) if cell.value is None]
    sums = sums_of(cells)
    fitting = []
    for values in product(range(13), repeat=len(hidden)):
        filled = {place: cell.value for place, cell in enumerate(cells)} | dict(
            zip(hidden, values, strict=True)
        )
        if all(filled[found.whole] == sum(filled[part] or 0 for part in found.parts) for found in sums):
            fitting.append(values)
    return {
        place: (min(values[number] for values in fitting), max(values[number] for values in fitting))
        for number, place in enumerate(hidden)
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=2, max_size=3), st.data())
def test_the_bounds_are_those_of_every_whole_filling(counts: list[list[int]], data: st.DataObject) -> None:
    places = [(row, column) for row in range(len(counts)) for column in range(3)]
    hidden = data.draw(st.sets(st.sampled_from(places), min_size=1, max_size=4))
    cells = table(counts, hidden)
    assert bound_cells(cells, sums_of(cells), off=0.0) == tried(cells)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=2, max_size=3), st.data())
def test_the_truth_is_within_the_bounds_however_totals_are_rounded(
    counts: list[list[int]], data: st.DataObject
) -> None:
    places = [(row, column) for row in range(len(counts)) for column in range(3)]
    hidden = data.draw(st.sets(st.sampled_from(places), min_size=1, max_size=5))
    exact = table(counts, hidden)
    rounded = [
        Cell(cell.labels, None if cell.value is None else Fraction(round(cell.value / 5) * 5), cell.where)
        for cell in exact
    ]
    bounds = bound_cells(rounded, sums_of(rounded), off=2.5)
    assert bounds is not None
    for number, (row, column) in enumerate(places):
        if (row, column) in hidden:
            low, high = bounds[number]
            assert low <= counts[row][column] <= high


def test_one_hidden_cell_is_revealed_and_four_in_a_block_are_not() -> None:
    counts = [[40, 50, 60], [30, 45, 55], [20, 25, 35]]
    one = list(judge_margins(table(counts, {(0, 0)}), 5, 1))
    assert [finding.code for finding in one] == ["suppressed_cell_revealed"] and "40" in one[0].message
    assert list(judge_margins(table(counts, {(0, 0), (0, 1), (1, 0), (1, 1)}), 5, 1)) == []


def test_totals_that_cannot_be_are_asked_about() -> None:
    cells = table([[40, 50, 60], [30, 45, 55]], {(0, 0)})
    wrong = [
        Cell(cell.labels, Fraction(10), cell.where) if cell.labels == (("a", "0"), ("b", TOTAL)) else cell
        for cell in cells
    ]
    assert [finding.code for finding in judge_margins(wrong, 5, 1)] == ["totals_do_not_add_up"]
