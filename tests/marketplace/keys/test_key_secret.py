"""A key's form: random, with a checksum that finds typing errors."""

import random

from hypothesis import given
from hypothesis import strategies as st

from marketplace.keys.issue_key import Issued
from marketplace.keys.secret import LETTERS, is_well_formed, make_key


def test_a_new_key_is_well_formed_and_its_own() -> None:
    keys = {make_key() for _ in range(1000)}
    assert len(keys) == 1000 and all(map(is_well_formed, keys))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_seed_makes_one_key_and_another_seed_another(seed: bytes, other: bytes) -> None:
    assert is_well_formed(make_key(seed))
    assert (make_key(seed) == make_key(other)) is (seed == other)


@given(st.integers(4, 41), st.sampled_from(LETTERS))
def test_one_wrong_letter_is_always_found(place: int, letter: str) -> None:
    key = make_key()
    wrong = key[:place] + letter + key[place + 1 :]
    assert is_well_formed(wrong) is (wrong == key)


@given(st.text())
def test_any_other_text_is_no_key(text: str) -> None:
    assert not is_well_formed(text)
    assert not is_well_formed("chk_" + "".join(random.choices(LETTERS, k=38)))


def test_a_key_is_not_in_its_own_representation() -> None:
    assert "SECRET" not in repr(Issued(1, 1, "chk_abcdef", "SECRET"))
