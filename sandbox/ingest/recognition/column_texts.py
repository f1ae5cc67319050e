"""The different texts of a column with their counts, written in one way: NFKC, trimmed, upper case.

All that recognises works on these, because a column repeats most of its cells. Of very many different texts,
the most frequent are looked at, and drawn ones stand for the others: the time for a column is bounded. What
is drawn is the same each time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.limits import LARGEST_INTEGER

Mask = npt.NDArray[np.bool_]

LONGEST = 4_000
"""Characters of a cell that are looked at."""
MOST_FREQUENT = DRAWN = 50_000
"""Different texts that are looked at. The smallest share in identifiers.yaml is five of those drawn."""


@dataclass(frozen=True)
class DistinctTexts:
    """`texts` are different and not empty. `counts` says how many cells each stands for, `lengths` are in
    characters. `different` is how many different texts the column has, also those that were not drawn."""

    texts: pa.Array
    counts: npt.NDArray[np.float64]
    lengths: npt.NDArray[np.int32]
    different: int

    @property
    def cells(self) -> float:
        """How many cells are not empty."""
        return float(self.counts.sum())

    def match(self, pattern: str, among: Mask | None = None) -> Mask:
        """Which of the texts (`among` them) match a pattern of RE2."""
        if among is None or among.all():
            return _matches(self.texts, pattern)
        matched = np.zeros(len(self.texts), np.bool_)
        if among.any():
            matched[among] = _matches(self.texts.filter(pa.array(among)), pattern)
        return matched


Column: TypeAlias = "Iterable[str | None] | pa.Array | pa.ChunkedArray | DistinctTexts"


def distinct_texts(values: Column) -> DistinctTexts:
    """The different texts of a column. Make it once, where several recognisers look at the same column.

    Integers and floats are read as they are written in a file. Of other types (dates, booleans, nested
    ones) there are no texts: no identifier is stored in them. Raises `pa.ArrowInvalid` for an array whose
    dictionary is damaged.
    """
    if isinstance(values, DistinctTexts):
        return values
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.array(values, pa.string())
    counted = _written(*_counted(values))
    if counted is None:
        return DistinctTexts(pa.array([], pa.string()), np.zeros(0), np.zeros(0, np.int32), 0)
    texts, counts = counted
    different = len(texts)
    places, weights = _drawn(counts.to_numpy(zero_copy_only=False))
    if len(places) < different:
        texts = texts.take(pa.array(places))
    texts = _normalised(pc.utf8_slice_codeunits(_unicode(texts), 0, LONGEST))
    there = pc.not_equal(texts, "")
    texts, weights = texts.filter(there), weights[there.to_numpy(zero_copy_only=False)]
    lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int32)
    return DistinctTexts(texts, weights, lengths, different)


def _drawn(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The places of the texts that are looked at, and how many cells each of them stands for."""
    if len(counts) <= MOST_FREQUENT + DRAWN:
        return np.arange(len(counts)), counts.astype(np.float64)
    order = np.argsort(-counts, kind="stable")
    frequent, rest = order[:MOST_FREQUENT], order[MOST_FREQUENT:]
    drawn = np.random.default_rng(0).choice(rest, DRAWN, replace=False, shuffle=False)
    weights = counts[drawn] * (counts[rest].sum() / counts[drawn].sum())
    return np.concatenate([frequent, drawn]), np.concatenate([counts[frequent], weights])


def _matches(texts: pa.Array, pattern: str) -> Mask:
    mask: Mask = np.array(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False))
    return mask


def _counted(values: Any) -> tuple[pa.Array, pa.Array]:
    """The different values, without empty ones, and their counts."""
    if pa.types.is_dictionary(values.type):
        values.validate(full=True)
        if isinstance(values, pa.ChunkedArray):
            values = values.unify_dictionaries()
        counted = pc.value_counts(pc.drop_null(values))
        return counted.field("values").cast(values.type.value_type), counted.field("counts")
    if pa.types.is_string_view(values.type) or pa.types.is_large_string(values.type):
        values = values.cast(pa.string())
    if pa.types.is_nested(values.type):
        return pa.array([], pa.null()), pa.array([], pa.int64())
    counted = pc.value_counts(pc.drop_null(values))
    return counted.field("values"), counted.field("counts")


def _written(values: pa.Array, counts: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """As texts; None for a type that holds no identifier."""
    if pa.types.is_string(values.type):
        return values, counts
    if pa.types.is_floating(values.type):
        finite = pc.is_finite(values)
        values, counts = pc.cast(values.filter(finite), pa.float64()), counts.filter(finite)
        # a column of whole numbers with an empty cell is often kept as floats: 13800000000.0
        is_whole = pc.equal(pc.floor(values), values)
        if len(values) and pc.all(pc.and_(is_whole, pc.less_equal(pc.abs(values), LARGEST_INTEGER))).as_py():
            values = pc.cast(values, pa.int64())
        return pc.cast(values, pa.string()), counts
    if pa.types.is_integer(values.type) or pa.types.is_decimal(values.type):
        return pc.cast(values, pa.string()), counts
    return None


def _unicode(texts: pa.Array) -> pa.Array:
    """Bytes that are not UTF-8 are left out. Arrow does not check those of a Parquet file."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raw = texts.cast(pa.binary()).to_pylist()
        return pa.array([text.decode(errors="ignore") for text in raw], pa.string())
    return texts


def _normalised(texts: pa.Array) -> pa.Array:
    ascii_only = pc.all(pc.string_is_ascii(texts)).as_py() is not False
    if ascii_only:
        return pc.ascii_trim_whitespace(pc.ascii_upper(texts))
    visible = pc.replace_substring_regex(pc.utf8_normalize(texts, form="NFKC"), r"\p{Cf}", "")
    return pc.utf8_trim_whitespace(pc.utf8_upper(visible))
