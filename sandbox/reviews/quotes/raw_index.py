"""Which rows of one dataset hold a value?

An index of keyed digests (HMAC-SHA256, 64 bits of it); no value can be read from it without the key.

**Values.** A value held by few units is rare. That an output holds a rare value means nothing by itself: 12 is
somebody's income. So for
numbers the index knows how densely raw values lie among the numbers with as many decimals in the same decade, and a
column of an output
alarms only when it hits more of them than a stranger would (`quotes.py`).

**Rows.** The posting list of each digest says which rows hold it, under every form of the row's values. A row of an
output is scored by
how improbable its best match is.
"""

import hmac
from collections import defaultdict
from decimal import Decimal
from math import log

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.catalog import DatasetPolicy
from sandbox.catalog.model import Role
from sandbox.reviews.quotes.written_forms import decade_of, decimals_of, forms_of_raw

RARE_UNITS = 10
LONGEST_POSTING = 2000
LEAST_TEXT = 4
CAUTION = 3
"""Values crowd within a decade: taken to be so much denser than on average."""


class RawIndex:
    """One dataset version's digests."""

    def __init__(self, table: pa.Table, policy: DatasetPolicy, key: bytes) -> None:
        self._key = key
        self.rows = table.num_rows
        private = [column for column in policy.columns if column.role is not Role.KEY and column.name in table.column_names]
        public = {form for column in policy.columns for value in column.values for form in forms_of_raw(value)}
        unit = policy.unit.column if policy.unit and policy.unit.column in table.column_names else None
        units = (
            np.arange(self.rows)
            if unit is None
            else table.column(unit).combine_chunks().dictionary_encode().indices.to_numpy()
        )
        self.units = len(np.unique(units))
        tokens: list[NDArray[np.uint64]] = []
        places: list[NDArray[np.int32]] = []
        rare: set[int] = set()
        texts: set[int] = set()
        self.text_lengths: set[int] = set()
        crowd: dict[tuple[int, int], int] = defaultdict(int)
        self.most_words = 1
        days: set[str] = set()
        for column in private:
            coded = table.column(column.name).combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            order = np.argsort(codes, kind="stable").astype(np.int32)
            starts = np.searchsorted(codes[order], np.arange(len(coded.dictionary) + 1))
            holders = _holders(codes, units, len(coded.dictionary))
            for code, value in enumerate(coded.dictionary.to_pylist()):
                known = [(form, self.digest(form)) for form in forms_of_raw(value) if form not in public]
                held = order[starts[code] : starts[code + 1]]
                tokens += [np.full(len(held), digest, dtype=np.uint64) for _form, digest in known]
                places += [held] * len(known)
                if holders[code] >= RARE_UNITS:
                    continue
                for form, digest in known:
                    if form.startswith("n:"):
                        number = Decimal(form[2:])
                        if number and digest not in rare:
                            crowd[decimals_of(number), decade_of(number)] += 1
                    elif form.startswith("d:"):
                        days.add(form)
                    elif _telling(form[2:]):
                        texts.add(digest)
                        self.text_lengths.add(len(form) - 2)
                        self.most_words = max(self.most_words, form.count(" ") + 1)
                        continue
                    else:
                        continue
                    rare.add(digest)
        self.texts, self._rare, self._crowd = frozenset(texts), frozenset(rare), dict(crowd)
        self._day_density = _day_density(days)
        self._order(tokens, places)

    def digest(self, form: str) -> int:
        return int.from_bytes(hmac.digest(self._key, form.encode(), "sha256")[:8], "big")

    def holds(self, form: str) -> bool:
        """Whether it is a rare number or date of the data."""
        return self.digest(form) in self._rare

    def holds_text(self, form: str) -> bool:
        return self.digest(form) in self.texts

    def density(self, form: str) -> float:
        """How likely a stranger's number (or date) written like this is one of the data's."""
        if form.startswith("d:"):
            return self._day_density
        number = Decimal(form[2:])
        if not number:
            return 1.0
        decimals, decade = decimals_of(number), decade_of(number)
        points = 9 * 10.0 ** (decade + decimals)
        return min(1.0, CAUTION * self._crowd.get((decimals, decade), 0) / max(points, 1.0))

    def improbability(self, forms: list[list[str]]) -> float:
        """Minus the log of a bound on how likely a stranger's row matches some raw row as well as this one does.

        Each cell adds -log f to the rows that hold it (f: the part of rows that do). For independent cells the
        expectation of e^score is at
        most the product of 2 - f, so by Markov and over all rows P(best >= s) <= rows * prod(2 - f) * e^-s.
        """
        parts, weights = [], []
        slack = log(max(self.rows, 2))
        for cell in forms:
            best: tuple[int, int] | None = None
            for form in cell:
                digest = self.digest(form)
                place = int(np.searchsorted(self._tokens, np.uint64(digest)))
                if place < len(self._tokens) and int(self._tokens[place]) == digest:
                    best = int(self._starts[place]), int(self._starts[place + 1])
                    break
            held = 0 if best is None else best[1] - best[0]
            slack += log(2 - held / max(self.rows, 1))
            if best is not None and held <= min(LONGEST_POSTING, self.rows / 4):
                parts.append(self._places[best[0] : best[1]])
                weights.append(np.full(held, log(self.rows / held)))
        if len(parts) < 2:
            return 0.0
        rows, inverse = np.unique(np.concatenate(parts), return_inverse=True)
        scores = np.bincount(inverse, weights=np.concatenate(weights), minlength=len(rows))
        matched = np.bincount(inverse, minlength=len(rows))
        scores[matched < 2] = 0.0
        return float(scores.max()) - slack

    def _order(self, tokens: list[NDArray[np.uint64]], places: list[NDArray[np.int32]]) -> None:
        """Digests in order, each with the rows that hold it, each row once."""
        if not tokens:
            self._tokens, self._starts, self._places = np.zeros(0, np.uint64), np.zeros(1, np.int64), np.zeros(0, np.int32)
            return
        digests, rows = np.concatenate(tokens), np.concatenate(places)
        order = np.lexsort((rows, digests))
        digests, rows = digests[order], rows[order]
        fresh = np.ones(len(digests), bool)
        fresh[1:] = (digests[1:] != digests[:-1]) | (rows[1:] != rows[:-1])
        digests, self._places = digests[fresh], rows[fresh]
        self._tokens, first = np.unique(digests, return_index=True)
        self._starts = np.append(first, len(digests))


def _holders(codes: NDArray[np.int64], units: NDArray[np.int64], values: int) -> NDArray[np.int64]:
    """How many units hold each value."""
    pairs = np.unique(np.stack([codes, units]), axis=1)
    return np.bincount(pairs[0][pairs[0] >= 0], minlength=values)


def _telling(text: str) -> bool:
    """Whether a text is long enough to mean somebody: a Chinese sign counts as two."""
    return sum(2 if "\u4e00" <= sign <= "\u9fff" else 1 for sign in text) >= LEAST_TEXT


def _day_density(days: set[str]) -> float:
    if not days:
        return 1.0
    numbers = sorted(np.datetime64(day[2:]).astype("int64") for day in days)
    return min(1.0, CAUTION * len(days) / max(int(numbers[-1] - numbers[0]) + 1, 1))
