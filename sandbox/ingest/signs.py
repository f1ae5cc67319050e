"""Which signs the texts of a batch have, by their bytes: most patterns need not be looked for at all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

USUAL = b"0123456789./:"
"""Bytes that tell nothing here, and that numbers and days are full of."""
SPACES = bytes([*range(9, 14), *range(28, 32), 32])  # what str.strip removes of ASCII


@dataclass(frozen=True)
class Bytes:
    """`there`: for each byte that is not among `USUAL`, whether a text has it. `ascii`: all texts are."""

    there: npt.NDArray[np.bool_]
    ascii: bool
    digits_alone: bool

    @classmethod
    def of(cls, texts: pa.Array) -> "Bytes":
        """Of texts without a null."""
        _, places, data = texts.buffers()
        if not len(texts) or data is None:
            return cls(np.zeros(256, np.bool_), ascii=True, digits_alone=False)
        ends = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        whole = bytes(memoryview(data)[int(ends[0]) : int(ends[-1])])
        rest = whole.translate(None, USUAL)
        counts = np.bincount(np.frombuffer(rest, np.uint8), minlength=256)
        plain = not rest and not any(sign in whole for sign in b"./:")
        return cls(
            counts > 0,
            ascii=not counts[128:].any(),
            digits_alone=plain and bool(len(ends) > 1 and (np.diff(ends) > 0).all()),
        )

    def has(self, signs: bytes) -> bool:
        return bool(self.there[list(signs)].any())

    @property
    def spaced(self) -> bool:
        """Whether a text can have a space at its ends."""
        return not self.ascii or self.has(SPACES)


@dataclass(frozen=True)
class Signs:
    """Two ways of reading that differ in other signs are one."""

    whole: bool  # all are plain integers
    comma: bool
    quote: bool
    gap: bool  # within, between digits
    loose: bool  # what `trimmed` changes
    beside: bool  # what `signs` changes
    bracket: bool
    zone: bool
    digit: bool  # most have a digit
    year: bool  # most have four digits in a row

    @classmethod
    def of(cls, texts: pa.Array, known: Bytes, probe_length: int) -> "Signs":
        def any_has(pattern: str, needed: bytes) -> bool:
            if known.ascii and not known.has(needed):
                return False
            return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())

        wide = not known.ascii
        probe = texts[:probe_length]
        years, digits = (
            pc.sum(pc.match_substring_regex(probe, pattern)).as_py() >= len(probe) / 2 - 2
            for pattern in (r"[0-9０-９]{4}", r"[0-9０-９]")
        )
        if known.digits_alone or _are_whole(texts, known):
            return cls(True, False, False, False, False, False, False, False, digits, years)
        return cls(
            whole=False,
            comma=wide or known.has(b","),
            quote=wide or known.has(b"'"),
            gap=wide or any_has(r"[0-9]\s+[0-9]", SPACES),
            loose=wide or any_has(r"^[\s+]|\s$", SPACES + b"+"),
            beside=wide or known.has(LETTERS + b"$"),
            bracket=any_has(r"^\s*[(（]", b"("),
            zone=any_has(r"(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{0,2})\s*$", b"ZzCT+-"),
            digit=digits,
            year=years,
        )


LETTERS = bytes([*range(65, 91), *range(97, 123)])


def _are_whole(texts: pa.Array, known: Bytes) -> bool:
    """Whether all are digits, with a minus sign before them or none."""
    if not known.ascii or known.there[: ord("-")].any() or known.there[ord("-") + 1 :].any():
        return False
    return bool(pc.all(pc.match_substring_regex(texts, r"^-?[0-9]+$")).as_py())
