"""Bounds how many bits a file can carry that leaves in its canonical form.

The bound is the length of the file in a fixed prefix-free code of canonical files. By Kraft's inequality at
most 2^b files have b bits or fewer, whatever an author does with the raw rows: so a file of b bits tells
apart at most so many cases. What the reviewers know anyway (names of columns, labels) counts in full, so the
bound is seldom tight: it is "at most".

A number with four significant digits is about 20 bits, a count about twice the logarithm of its size, a
letter eight. A picture has as many as its pixels' file: that is no bound that anybody can judge, and so is
said otherwise.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import log2
from typing import Any

from sandbox.disclosure.canonical_form import LONGEST_NUMBER as LONGEST
from sandbox.disclosure.canonical_form import NUMBER, rounded

KINDS = log2(4)
"""Of a cell or a value: empty, a number, a whole number, a text."""

MANTISSAS = log2(9 * 10**3)
"""Four significant digits, of which the first is no zero."""


def bits_of_grid(rows: Iterable[Iterable[str]]) -> float:
    """Of a table's header and rows, in canonical form."""
    table = [list(row) for row in rows]
    width = len(table[0]) if table else 0
    return (
        bits_of_whole(len(table))
        + bits_of_whole(width)
        + sum(bits_of_cell(cell) for row in table for cell in row)
    )


def bits_of_json(node: Any) -> float:
    """Of a canonical JSON document, read back."""
    kinds = log2(7)  # an object, a list, null, a truth, a whole number, a number, a text
    match node:
        case dict():
            inner = sum(bits_of_text(name) + bits_of_json(value) for name, value in node.items())
            return kinds + bits_of_whole(len(node)) + inner
        case list():
            return kinds + bits_of_whole(len(node)) + sum(map(bits_of_json, node))
        case bool():
            return kinds + 1
        case int():
            return kinds + 1 + bits_of_whole(abs(node))
        case float():
            return kinds + bits_of_number(repr(node))
        case str():
            return kinds + bits_of_text(node)
    return kinds


@lru_cache(maxsize=2**18)
def bits_of_cell(cell: str) -> float:
    if not cell:
        return KINDS
    number = cell.removesuffix("%")
    percent = 1.0
    if not NUMBER.fullmatch(number) or len(number) > LONGEST or rounded(number, None) != number:
        return KINDS + bits_of_text(cell)  # also a number in another spelling than the canonical one
    if number.lstrip("-").isdecimal():
        return KINDS + percent + 1 + bits_of_whole(abs(int(number)))
    return KINDS + percent + bits_of_number(number)


def bits_of_number(written: str) -> float:
    """A sign, the place of its first digit, and its significant digits: four, or
    all that it has."""
    digits, _, exponent = written.lower().lstrip("-").partition("e")
    whole, _, part = digits.partition(".")
    significant = (whole + part).strip("0")
    place = len(whole.lstrip("0")) or -(len(part) - len(part.lstrip("0")))
    mantissa = MANTISSAS if len(significant) <= 4 else 4 * (len(significant) + 1)
    return 1 + 1 + bits_of_whole(abs(place + int(exponent or 0))) + 1 + mantissa


def bits_of_whole(number: int) -> float:
    """Elias' delta code of number + 1 (Elias, 1975)."""
    length = (number + 1).bit_length()
    return 2 * (length.bit_length() - 1) + 1 + (length - 1)


def bits_of_text(text: str) -> float:
    return bits_of_whole(len(text.encode())) + 8 * len(text.encode())
