"""Ids of units are normalised, so that one person is one unit with one protection,
however the id was typed."""

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

INVISIBLE = frozenset({"Cf", "Cc"})


def normalised(id: str) -> str:
    """NFKC, without invisible characters, trimmed, upper case. Applied twice it gives the same."""
    before = None
    while before != id:
        before = id
        folded = unicodedata.normalize("NFKC", id).upper()
        id = "".join(sign for sign in folded if unicodedata.category(sign) not in INVISIBLE).strip()
    return id


def normalise(ids: pa.Array) -> pa.Array:
    """Every id of a text column by the rule; an id of nothing visible becomes empty."""
    plain = pc.fill_null(pc.match_substring_regex(ids, "^[\\x20-\\x7e]*$"), True).to_numpy(
        zero_copy_only=False
    )
    upper = pc.ascii_trim(pc.ascii_upper(ids), " ")
    others = np.flatnonzero(~plain)
    if len(others):
        known = {id: normalised(id) for id in set(ids.take(pa.array(others)).to_pylist())}
        upper = pc.replace_with_mask(
            upper,
            pa.array(~plain),
            pa.array([known[id] for id in ids.take(pa.array(others)).to_pylist()], pa.string()),
        )
    return pc.if_else(pc.equal(upper, ""), pa.scalar(None, pa.string()), upper)
