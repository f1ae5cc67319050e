"""Parts are disjoint, of exactly the declared sizes, and a person moves nobody else between them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInput
from sandbox.splits import SplitForm, Stratum, assign
from sandbox.splits.assignment import commitment, membership
from split_people import FORM

PEOPLE = [(f"p{number}", 0 if number % 3 == 0 else 1) for number in range(600)]


@given(st.binary(min_size=32, max_size=32))
def test_parts_are_disjoint_stratified_and_of_the_declared_sizes(seed: bytes) -> None:
    held = assign(FORM, seed, PEOPLE)
    if held is None:  # a stratum had too few candidates: rare, and refused
        return
    assert (len(held.live), len(held.final)) == (120, 120)
    assert len(held.units) == len(held.live) + len(held.final) + len(held.reserve)
    strata = dict(PEOPLE)
    for part in (held.live, held.final):
        assert sum(strata[unit] == 0 for unit in part) == 40


@given(st.integers(0, 2**32), st.integers(0, 599))
def test_who_leaves_changes_one_part_alone(number: int, who: int) -> None:
    seed = random.Random(number).randbytes(32)
    held = assign(FORM, seed, PEOPLE)
    without = assign(FORM, seed, [one for place, one in enumerate(PEOPLE) if place != who])
    if held is None or without is None:
        return
    unit, stratum = PEOPLE[who]
    strata = dict(PEOPLE)
    changed = [part for part in ("live", "final") if held.part(part) != without.part(part)]
    assert len(changed) <= 1
    for part in changed:
        # exchanged for one of the reserve, of the same stratum; nobody came from training
        (came,) = set(without.part(part)) - set(held.part(part))
        assert set(held.part(part)) - set(without.part(part)) == {unit}
        assert strata[came] == stratum and came in held.reserve
    trains = {one for one, _ in PEOPLE} - held.units
    trained = {one for one, _ in PEOPLE} - without.units - {unit}
    assert trains - {unit} == trained


def test_too_few_people_make_no_split() -> None:
    assert assign(FORM, bytes(32), PEOPLE[:150]) is None


def test_the_hash_opens_with_the_seed_and_nothing_else() -> None:
    about: dict[str, object] = {"dataset": "a.b", "form": FORM.document()}
    assert commitment(bytes(32), about) != commitment(b"1" * 32, about)
    assert commitment(bytes(32), about) != commitment(bytes(32), about | {"dataset": "a.c"})
    held = assign(FORM, b"2" * 32, PEOPLE)
    assert held is not None and membership(b"2" * 32, held) != membership(b"3" * 32, held)
    assert SplitForm.read(FORM.document()) == FORM


@pytest.mark.parametrize(
    "strata",
    [
        (),
        (Stratum("a", 100, 50, 45),),
        (Stratum("a", 100, 5, 0),),
        (Stratum("a", 0, 5, 5),),
        (Stratum("a", 900, 5, 5), Stratum("a", 900, 5, 5)),
    ],
)
def test_numbers_that_make_no_split_are_refused(strata: tuple[Stratum, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        SplitForm("often", strata)
    assert refused.value.code == "bad_split" and refused.value.zh


@pytest.mark.parametrize(
    ("stratum", "target", "held"),
    [
        (Stratum("a", 9, 1, 1, values=(True,)), 1, False),
        (Stratum("a", 9, 1, 1, at_least=2.0), 2, True),
        (Stratum("a", 9, 1, 1, below=2.0), 2.0, False),
        (Stratum("a", 9, 1, 1, below=2.0), "x", False),
        (Stratum("a", 9, 1, 1), "x", True),
    ],
)
def test_a_stratum_holds_its_values(stratum: Stratum, target: object, held: bool) -> None:
    assert stratum.holds(target) is held
