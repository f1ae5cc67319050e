"""Is every sum over few units found, and none that is not there?
Beside a search of all sets of few units, in exact fractions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from exact_sums import told_of
from sandbox.declared import small_unit_search as module
from sandbox.declared.equivalence_classes import atoms_of
from sandbox.declared.small_unit_search import TooMany, few_behind


def determined(numbers: list[list[int]], least: int, already: int) -> bool:
    """Whether some set of fewer than `least` units is told of, and was not before: each set is tried."""
    width = len(numbers[0])
    return any(
        told_of(numbers, units) > told_of(numbers[:already], units)
        for size in range(1, min(least, width + 1))
        for units in combinations(range(width), size)
    )


@st.composite
def systems(draw: st.DrawFn) -> tuple[list[list[int]], int, int]:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 6))
    most = draw(st.sampled_from([1, 1, 3]))
    numbers = draw(
        st.lists(
            st.lists(st.integers(0, most), min_size=width, max_size=width), min_size=height, max_size=height
        )
    )
    return numbers, draw(st.integers(2, 5)), draw(st.integers(0, height - 1))


@settings(max_examples=300, deadline=None)
@given(systems())
def test_what_few_units_are_told_of_is_found_exactly_when_it_is_there(
    system: tuple[list[list[int]], int, int],
) -> None:
    numbers, least, already = system
    found = few_behind(atoms_of(csr_matrix(np.array(numbers))), least, already)
    assert (found is not None) == determined(numbers, least, already)
    if found:
        assert 0 < found.units < least and any(row >= already for row in found.numbers)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 7), st.sampled_from([1, 1, 2]), st.booleans())
def test_the_same_is_found_by_drawing_units(seed: int, height: int, least_others: int, planted: bool) -> None:
    draw = np.random.default_rng(seed)
    numbers = draw.integers(0, 2, (height, 48)) * draw.integers(1, 3, (height, 48))
    last = numbers[0] + numbers[1] if planted else draw.integers(0, 2, 48)
    last[draw.integers(0, 48, least_others if planted else 0)] += 1
    system = np.vstack([numbers, last])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "EXACTLY", 0)
        patched.setattr(module, "GOOD_CHANCE", 0.0)
        patched.setattr(module, "LEAST_CHANCE", 0.0001)
        found = few_behind(atoms_of(csr_matrix(system)), 2, already=height)
    assert (found is not None) == determined(system.tolist(), 2, height)
    if found:
        assert found.units == 1 and height in found.numbers


def parted(units: int, *parts: int) -> list[list[int]]:
    """Numbers that part units by their remainder."""
    return [
        [int(unit % modulus == rest) for unit in range(units)] for modulus in parts for rest in range(modulus)
    ]


def test_tables_that_part_many_units_in_several_ways_tell_of_nobody() -> None:
    assert few_behind(atoms_of(csr_matrix(np.array(parted(2000, 3, 5, 7)))), 10) is None


def test_one_person_is_found_behind_three_tables_of_hundreds() -> None:
    numbers = parted(600, 2, 3)
    numbers.append([int(unit % 2 == 0 and unit != 44) for unit in range(600)])
    found = few_behind(atoms_of(csr_matrix(np.array(numbers))), 10, already=len(numbers) - 1)
    assert found and found.units == 1 and found.numbers == (0, len(numbers) - 1)


def test_what_was_known_of_few_before_hides_nothing_new() -> None:
    """Of numbers that left under a grade that asks for fewer units: what these tell of few is old;
    the new one is found."""
    draw = np.random.default_rng(5)
    numbers = draw.integers(0, 3, (10, 900))
    less = numbers[:6].copy()  # each less a few, told long ago
    for row in range(6):
        less[row, row * 10 : row * 10 + 6] += 1
    old = np.vstack([numbers, less])
    assert (
        few_behind(atoms_of(csr_matrix(old)), 5) is None
        and few_behind(atoms_of(csr_matrix(old)), 10) is not None
    )
    assert (
        few_behind(
            atoms_of(csr_matrix(np.vstack([old, draw.integers(0, 3, (1, 900))]))), 10, already=len(old)
        )
        is None
    )
    new = numbers[7] + numbers[8]
    new[800] += 1
    found = few_behind(atoms_of(csr_matrix(np.vstack([old, new]))), 10, already=len(old))
    assert found and found.units < 10 and len(old) in found.numbers


def test_many_equations_are_summed_up_without_losing_one() -> None:
    """Fewer unknowns than large atoms, by far: random sums of equations stand for them all."""
    draw = np.random.default_rng(3)
    numbers = (draw.random((12, 300)) < 0.5).astype(np.int64).repeat(12, axis=1)
    assert few_behind(atoms_of(csr_matrix(numbers)), 10) is None
    nearly = numbers[4] + numbers[7]  # four tables' combination, but for two persons
    nearly[[30, 900]] += 1
    found = few_behind(atoms_of(csr_matrix(np.vstack([numbers, nearly]))), 10, already=12)
    assert found and found.units == 2 and found.numbers == (4, 7, 12)


def test_what_many_teams_asked_alike_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NUMBERS", 20)
    numbers = parted(600, 2, 3) * 8 + parted(600, 6) * 2  # of 52 numbers six follow from no others
    assert few_behind(atoms_of(csr_matrix(np.array(numbers))), 10) is None
    numbers.append([int(unit % 2 == 0 and unit != 44) for unit in range(600)])
    found = few_behind(atoms_of(csr_matrix(np.array(numbers))), 10, already=len(numbers) - 1)
    assert found and found.units == 1 and found.numbers == (0, len(numbers) - 1)


@pytest.mark.parametrize("bound", ["MOST_NUMBERS", "MOST_LISTED"])
def test_beyond_its_bounds_it_says_so_and_not_that_all_is_well(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(module, bound, 2)
    numbers = parted(100, 2)
    numbers.append([int(unit != 44) for unit in range(100)])
    with pytest.raises(TooMany):
        few_behind(atoms_of(csr_matrix(np.array(numbers))), 10)
