"""Puts the values of attributes into public classes, so that a column without public values or bounds can be
compared with its last version, too.

The classes are the same for every column of a type, and are no values of rows: the kind and length of a text,
the size of a number by powers of ten, the day of the week of a date. Quantiles of the last version would be
finer, but they are values of rows, and reports rest outside the encrypted bucket.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import Type

EMPTY = "(empty)"
KINDS = (("9", r"^[0-9]+$"), ("a", r"^\p{Latin}+$"), ("汉", r"^\p{Han}+$"))
OTHER_KIND = "*"
LENGTHS = (1, 2, 4, 8, 16, 32)
"""Where a class of lengths begins; a text of none is in the class before."""
DECADES = tuple(10.0**power for power in (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 9, 12))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Codes = npt.NDArray[np.int64]


def attribute_classes(kind: Type, values: pa.Array) -> dict[str, Any] | None:
    """How many cells are in each class, as `measures.distribution` tells it. None for booleans, which have
    classes of their own."""
    filled = values.drop_null()
    match kind:
        case Type.TEXT:
            labels, codes = _texts(filled)
        case Type.INTEGER | Type.NUMBER:
            labels, codes = _numbers(filled)
        case Type.DATE | Type.TIMESTAMP:
            labels = list(WEEKDAYS)
            codes = pc.day_of_week(filled).to_numpy(zero_copy_only=False).astype(np.int64)
        case _:
            return None
    counts = np.bincount(codes, minlength=len(labels))
    return {"labels": [*labels, EMPTY], "counts": [*map(int, counts), values.null_count]}


def _texts(filled: pa.Array) -> tuple[list[str], Codes]:
    """By kind (digits, Latin letters, Han characters, others) and length."""
    coded = filled.dictionary_encode()
    texts = coded.dictionary
    lengths = np.searchsorted(LENGTHS, pc.utf8_length(texts).to_numpy(zero_copy_only=False), side="right")
    kinds = np.full(len(texts), len(KINDS))
    for place, (_, pattern) in enumerate(KINDS):
        kinds[pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)] = place
    spans = ["0", "1", *(f"{low}–{high - 1}" for low, high in pairwise(LENGTHS[1:])), f"{LENGTHS[-1]}–"]
    labels = [f"{kind} {span}" for kind in (*(name for name, _ in KINDS), OTHER_KIND) for span in spans]
    of_texts = kinds * len(spans) + lengths
    return labels, of_texts.astype(np.int64)[coded.indices.to_numpy(zero_copy_only=False)]


def _numbers(filled: pa.Array) -> tuple[list[str], Codes]:
    """By sign and power of ten; whatever is nearer to zero than the least of them is with zero."""
    numbers = pc.cast(filled, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    sizes = np.searchsorted(DECADES, np.abs(numbers), side="right")
    names = [f"{decade:g}" for decade in DECADES]
    spans = [f"{low} – {high}" for low, high in zip(names, [*names[1:], "…"], strict=True)]
    labels = [*(f"-({span})" for span in reversed(spans)), "0", *spans]
    return labels, (len(DECADES) + np.where(numbers < 0, -sizes, sizes)).astype(np.int64)
