"""Bounds how many bits a file can carry that leaves in its canonical form.

The bound is the length of the file in a fixed prefix-free code of canonical files. By Kraft's inequality at
most 2^b files have b bits or fewer, whatever an author does with the raw rows: so a file of b bits tells
apart at most so many cases. The code is fixed before any raw row is read: it knows the texts that were fixed
then (values of public keys, names of columns, labels of recipes), of which each costs the logarithm of how
many there are, and how many digits a number may have. Other texts count in full, so the bound is seldom
tight: it is "at most".

A number with four significant digits is about 20 bits, with three about 17, a count about twice the
logarithm of its size, a letter eight. A picture has as many as its pixels' file: that is no bound that
anybody can judge, and so is said otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log2
from typing import Any

from sandbox.disclosure.canonical_form import LONGEST_NUMBER as LONGEST
from sandbox.disclosure.canonical_form import NUMBER, plain_text, rounded
from sandbox.disclosure.form import PLAIN, Form

CELLS = log2(5)
"""Kinds of a cell: empty, a number, a whole number, a known text, another text."""

NODES = log2(8)
"""Kinds of a value in JSON: object, list, null, truth, whole number, number, known text, other text."""


@dataclass(frozen=True)
class Code:
    """The code of files that leave in one form."""

    form: Form

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(map(plain_text, self.form.known))

    def grid(self, rows: Iterable[Iterable[str]]) -> float:
        """Of a table's header and rows, in canonical form."""
        table = [list(row) for row in rows]
        width = len(table[0]) if table else 0
        cells = sum(self.cell(cell) for row in table for cell in row)
        return bits_of_whole(len(table)) + bits_of_whole(width) + cells

    def cell(self, cell: str) -> float:
        if cell in self.known:
            return CELLS + log2(len(self.known))
        return _bits_of_cell(cell, self.form.most_digits)

    def json(self, node: Any) -> float:
        """Of a canonical JSON document, read back."""
        match node:
            case dict():
                inner = sum(1 + self.text(name) + self.json(value) for name, value in node.items())
                return NODES + bits_of_whole(len(node)) + inner
            case list():
                return NODES + bits_of_whole(len(node)) + sum(map(self.json, node))
            case bool():
                return NODES + 1
            case int():
                return NODES + 1 + bits_of_whole(abs(node))
            case float():
                return NODES + bits_of_number(repr(node), self.form.most_digits)
            case str():
                return NODES + self.text(node)
        return NODES

    def text(self, text: str) -> float:
        """Beside the bit or the kind that says whether it is known."""
        return log2(len(self.known)) if text in self.known else bits_of_text(text)


def bits_of_grid(rows: Iterable[Iterable[str]], form: Form = PLAIN) -> float:
    return Code(form).grid(rows)


def bits_of_json(node: Any, form: Form = PLAIN) -> float:
    return Code(form).json(node)


@lru_cache(maxsize=2**18)
def _bits_of_cell(cell: str, digits: int) -> float:
    if not cell:
        return CELLS
    number = cell.removesuffix("%")
    percent = 1.0
    if not NUMBER.fullmatch(number) or len(number) > LONGEST or rounded(number, None) != number:
        return CELLS + bits_of_text(cell)  # also a number in another spelling than the canonical one
    if number.lstrip("-").isdecimal():
        return CELLS + percent + 1 + bits_of_whole(abs(int(number)))
    return CELLS + percent + bits_of_number(number, digits)


def bits_of_number(written: str, digits: int) -> float:
    """A sign, the place of its first digit, and its significant digits: `digits`, or
    all that it has."""
    figures, _, exponent = written.lower().lstrip("-").partition("e")
    whole, _, part = figures.partition(".")
    significant = (whole + part).strip("0")
    place = len(whole.lstrip("0")) or -(len(part) - len(part.lstrip("0")))
    # of fewer digits than that the first is no zero
    mantissa = log2(9 * 10 ** (digits - 1)) if len(significant) <= digits else 4 * (len(significant) + 1)
    return 1 + 1 + bits_of_whole(abs(place + int(exponent or 0))) + 1 + mantissa


def bits_of_whole(number: int) -> float:
    """Elias' delta code of number + 1 (Elias, 1975)."""
    length = (number + 1).bit_length()
    return 2 * (length.bit_length() - 1) + 1 + (length - 1)


def bits_of_text(text: str) -> float:
    return bits_of_whole(len(text.encode())) + 8 * len(text.encode())
