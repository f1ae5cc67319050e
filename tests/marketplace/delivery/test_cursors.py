"""Cursors: a walk over pages, and nothing that a caller makes up."""

import pyarrow.compute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.delivery.conditions import escaped, is_like
from marketplace.delivery.cursors import continued, next_cursor
from marketplace.delivery.rows import read_wish
from marketplace.delivery.signed_text import Signer
from marketplace.products.model import RowsDefinition
from sandbox.errors import InvalidInput

SIGNER = Signer(b"s" * 32, "cursor")
ASKED = {"year": "gte.2003", "_order": "year"}
DEFINITION = RowsDefinition(object="o", version_id="v", columns=("year",), keys={"year": "integer"})


def cursor(licence: int = 1, place: int = 7) -> str:
    made = next_cursor(SIGNER, ASKED, licence=licence, release=2, place=place)
    assert made is not None
    return made


def test_a_cursor_goes_on_where_the_page_ended() -> None:
    wish = continued(SIGNER, read_wish(DEFINITION, ASKED), {**ASKED, "_cursor": cursor()}, licence=1)
    assert (wish.after, wish.release) == (7, 2)
    assert next_cursor(SIGNER, ASKED, licence=1, release=2, place=None) is None


@pytest.mark.parametrize(
    "given_",
    [
        {**ASKED, "_cursor": cursor(licence=2)},
        {**ASKED, "year": "gte.2004", "_cursor": cursor()},
        {**ASKED, "_cursor": cursor(), "_after": "1"},
        {**ASKED, "_cursor": ""},
        {**ASKED, "_cursor": cursor()[:-1] + ("A" if cursor()[-1] != "A" else "B")},
        {**ASKED, "_cursor": Signer(b"t" * 32, "cursor").sign([1, 2, "x", 0])},
        {**ASKED, "_cursor": Signer(b"s" * 32, "link").sign([1, 2, "x", 0])},
        {**ASKED, "_cursor": cursor() + "=="},
        {**ASKED, "_cursor": "é" * 20},
    ],
)
def test_another_cursor_is_refused(given_: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        continued(SIGNER, read_wish(DEFINITION, ASKED), given_, licence=1)


@given(st.text("ab%_\\\\", max_size=8), st.text("ab%_\\\\*", max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_pattern_means_the_same_in_the_index_and_beside_it(value: str, rest: str) -> None:
    pieces = tuple(f"a{rest}*".split("*"))
    sql = "%".join(map(escaped, pieces))
    assert pyarrow.compute.match_like(pyarrow.array([value]), sql)[0].as_py() == is_like(value, pieces)
