"""Indexes which rows of one dataset hold a value.

The index holds keyed digests (BLAKE2b with the vault's key, 64 bits). No value can be read from it without
the key.

**Values.** A value held by few units is rare. That an output holds a rare value means nothing by itself: 12
is somebody's income. So for numbers the index knows how densely raw values lie among the numbers with as many
digits, and a column of an output alarms only when it hits more of them than a stranger would (`quotes.py`).

**Texts.** A text held by few units is known as it is, by its letters and digits alone, by a long run of
digits in it, and by the beginnings of its common digests (`disguises.py`).

**Rows.** The posting list of each digest says which rows hold it, under every form of the row's values. A row
of an output is scored by how improbable its best match is.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from math import log

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.catalog import DatasetPolicy
from sandbox.catalog.model import Role
from sandbox.disclosure.raw_values.disguises import LEAST_SIGNS, disguised_forms, run_of
from sandbox.disclosure.raw_values.written_forms import decade_of, decimals_of, forms_of_raw

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
        private = [
            column
            for column in policy.columns
            if column.role is not Role.KEY and column.name in table.column_names
        ]
        public = {
            form for column in policy.columns for value in column.values for form in forms_of_raw(value)
        }
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
        # from four digits on by their number and the first two
        self._crowd: dict[tuple[int, int], int] = defaultdict(int)
        self._runs: dict[tuple[int, str], int] = defaultdict(int)  # digits of texts, in the same way
        self.most_words = 1
        days: set[str] = set()
        for column in private:
            coded = table.column(column.name).combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            order = np.argsort(codes, kind="stable").astype(np.int32)
            starts = np.searchsorted(codes[order], np.arange(len(coded.dictionary) + 1))
            holders = _holders(codes, units, len(coded.dictionary))
            names_units = column.role in (Role.UNIT, Role.HIDDEN)
            found: list[tuple[int, int]] = []  # the digest of a form, and which value it is of
            for code, value in enumerate(coded.dictionary.to_pylist()):
                forms = [form for form in forms_of_raw(value) if form not in public]
                known = [self.digest(form) for form in forms]
                found += [(digest, code) for digest in known]
                if holders[code] >= RARE_UNITS or not forms:
                    continue
                if names_units or forms[0].startswith("t:"):
                    for form in disguised_forms(str(value)):
                        self._add_text(form, texts)
                for form, digest in zip(forms, known, strict=True):
                    if form.startswith("t:"):
                        if _telling(form[2:]):
                            self._add_text(form, texts)
                            self.text_lengths.add(len(form) - 2)
                            self.most_words = max(self.most_words, form.count(" ") + 1)
                    elif form.startswith("d:"):
                        days.add(form)
                        rare.add(digest)
                    else:
                        if digest not in rare and form != "n:0":
                            self._crowd[_crowd_of(form)] += 1
                        rare.add(digest)
            held, lying = _posted(found, order, starts)
            tokens.append(held)
            places.append(lying)
        self.texts, self._rare = frozenset(texts), frozenset(rare)
        self._day_density = _day_density(days)
        self._order(tokens, places)

    def _add_text(self, form: str, texts: set[int]) -> None:
        digest = self.digest(form)
        # its digits are counted once: under c: where they are enough for that, else under t:
        if (
            digest not in texts
            and (run := run_of(form))
            and (form.startswith("c:") or len(run) < LEAST_SIGNS)
        ):
            self._runs[len(run), run[:2]] += 1
        texts.add(digest)

    def digest(self, form: str) -> int:
        return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8, key=self._key).digest(), "big")

    def holds(self, form: str) -> bool:
        """Whether it is a rare number or date of the data."""
        return self.digest(form) in self._rare

    def holds_text(self, form: str) -> bool:
        return self.digest(form) in self.texts

    def run_density(self, run: str) -> float:
        """How likely a stranger's run of digits like this one (as long, with the same first two) is a text
        of the data's, or the digits of one."""
        return min(1.0, CAUTION * self._runs.get((len(run), run[:2]), 0) / 10.0 ** (len(run) - 2))

    def density(self, form: str) -> float:
        """How likely a stranger's number (or date) written like this is one of the data's."""
        if form.startswith("d:"):
            return self._day_density
        kind = _crowd_of(form)
        if form == "n:0":
            return 1.0
        points = (
            10.0 ** (kind[0] - 2) if form.startswith("s:") else min(9 * 10.0 ** (kind[0] + kind[1]), 900.0)
        )
        return min(1.0, CAUTION * self._crowd.get(kind, 0) / max(points, 1.0))

    def improbability(self, rows: Sequence[Sequence[str]]) -> list[float]:
        """For each row of forms: minus the log of a bound on how likely a stranger's row matches some raw row
        as well as this one does.

        Each cell adds -log f to the rows that hold it (f: the part of rows that do). For independent cells
        the expectation of e^score is at most the product of 2 - f, so by Markov and over all rows P(best >=
        s) <= rows * prod(2 - f) * e^-s.
        """
        forms = list(dict.fromkeys(form for row in rows for form in row))
        if not forms or not len(self._tokens):
            return [0.0] * len(rows)
        digests = np.array([self.digest(form) for form in forms], dtype=np.uint64)
        found = np.minimum(np.searchsorted(self._tokens, digests), len(self._tokens) - 1)
        known = self._tokens[found] == digests
        begins = np.where(known, self._starts[found], 0)
        ends = np.where(known, self._starts[found + 1], 0)
        spans = dict(zip(forms, zip(begins.tolist(), ends.tolist(), strict=True), strict=True))
        return [self._score([spans[form] for form in row]) for row in rows]

    def _score(self, spans: list[tuple[int, int]]) -> float:
        slack = log(max(self.rows, 2)) + sum(
            log(2 - (end - begin) / max(self.rows, 1)) for begin, end in spans
        )
        telling = [
            (begin, end) for begin, end in spans if 0 < end - begin <= min(LONGEST_POSTING, self.rows / 4)
        ]
        if len(telling) < 2:
            return 0.0
        rows, inverse = np.unique(
            np.concatenate([self._places[begin:end] for begin, end in telling]), return_inverse=True
        )
        weights = np.concatenate(
            [np.full(end - begin, log(self.rows / (end - begin))) for begin, end in telling]
        )
        scores = np.bincount(inverse, weights=weights, minlength=len(rows))
        scores[np.bincount(inverse, minlength=len(rows)) < 2] = 0.0
        return float(scores.max()) - slack

    def _order(self, tokens: list[NDArray[np.uint64]], places: list[NDArray[np.int32]]) -> None:
        """Digests in order, each with the rows that hold it, each row once."""
        if not tokens:
            self._tokens, self._starts, self._places = (
                np.zeros(0, np.uint64),
                np.zeros(1, np.int64),
                np.zeros(0, np.int32),
            )
            return
        digests, rows = np.concatenate(tokens), np.concatenate(places)
        order = np.lexsort((rows, digests))
        digests, rows = digests[order], rows[order]
        fresh = np.ones(len(digests), bool)
        fresh[1:] = (digests[1:] != digests[:-1]) | (rows[1:] != rows[:-1])
        digests, self._places = digests[fresh], rows[fresh]
        self._tokens, first = np.unique(digests, return_index=True)
        self._starts = np.append(first, len(digests))


def _posted(
    found: list[tuple[int, int]], order: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Each digest once for every row that holds its value, and these rows."""
    digests = np.array([digest for digest, _code in found], dtype=np.uint64)
    codes = np.array([code for _digest, code in found], dtype=np.int64)
    lengths = starts[codes + 1] - starts[codes]
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(digests, lengths), order[np.repeat(starts[codes], lengths) + offsets]


def _holders(codes: NDArray[np.int64], units: NDArray[np.int64], values: int) -> NDArray[np.int64]:
    """How many units hold each value."""
    pairs = np.unique(np.stack([codes, units]), axis=1)
    return np.bincount(pairs[0][pairs[0] >= 0], minlength=values)


def _crowd_of(form: str) -> tuple[int, int]:
    """The class of numbers to which it belongs: those with as many digits and the same first two, or
    (short ones) with as many decimals in the same decade."""
    if form.startswith("s:"):
        return len(form) - 2, int(form[2:4])
    number = Decimal(form[2:])
    return decade_of(number), decimals_of(number)


def _telling(text: str) -> bool:
    """Whether a text is long enough to mean somebody: a Chinese sign counts as two."""
    return sum(2 if "\u4e00" <= sign <= "\u9fff" else 1 for sign in text) >= LEAST_TEXT


def _day_density(days: set[str]) -> float:
    if not days:
        return 1.0
    numbers = sorted(np.datetime64(day[2:]).astype("int64") for day in days)
    return min(1.0, CAUTION * len(days) / max(int(numbers[-1] - numbers[0]) + 1, 1))
