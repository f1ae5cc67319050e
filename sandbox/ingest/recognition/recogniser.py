"""Recognises which kinds of identifiers a column holds: patterns first, on all of its different texts at
once, then the checks of what has the form.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.ingest.headers import HeaderText
from sandbox.ingest.recognition.checksums import CHECKSUMS
from sandbox.ingest.recognition.column_texts import Column, DistinctTexts, Mask, distinct_texts
from sandbox.ingest.recognition.model import (
    CONFIDENCES,
    NOTHING,
    SHARE_CLASSES,
    Confidence,
    Recognition,
    ShareClass,
    share_class,
)
from sandbox.ingest.recognition.reasons import reason
from sandbox.ingest.recognition.rules import IdentifierKind, IdentifierRules, whole

HALF, NEARLY_ALL = 0.5, 0.8
WORD = r"[^0-9\s.,:;+/()-]"


@dataclass(frozen=True)
class Hits:
    """`cells`: how many hold it. `right` of the `candidates`, texts that have the form, pass the check."""

    cells: float = 0
    right: int = 0
    candidates: int = 0


def recognise(values: Column, header: str, rules: IdentifierRules) -> Recognition:
    """The surest kind of `recognise_all`, or `NOTHING`."""
    return next(iter(recognise_all(values, header, rules)), NOTHING)


def recognise_all(values: Column, header: str, rules: IdentifierRules) -> tuple[Recognition, ...]:
    """Every kind that the column holds, the surest first, then the larger share, then the higher grade."""
    column = distinct_texts(values)
    words = HeaderText.of(header)
    other = rules.other_headers.name(words)
    recognised = [
        recognition
        for kind in rules.kinds
        if (recognition := _recognise_kind(column, kind, in_header=not other and kind.header.name(words)))
    ]
    return tuple(
        sorted(
            recognised,
            key=lambda one: (
                CONFIDENCES.index(one.confidence),
                SHARE_CLASSES.index(one.share_class),
                one.grade,
            ),
            reverse=True,
        )
    )


def _recognise_kind(column: DistinctTexts, kind: IdentifierKind, *, in_header: bool) -> Recognition | None:
    if not column.cells or (kind.alone is None and not in_header):
        return None
    fits = (column.lengths >= kind.fewest) & (column.lengths <= kind.most)
    might = column.match(kind.holds) if kind.holds else np.ones(len(column.texts), np.bool_)
    strict, hits = _whole_cells(column, kind, fits & might)
    if _suggests(column, kind, hits, in_header=in_header):
        return _recognition(kind, hits.cells / column.cells, in_header=in_header)
    if in_header and kind.header_pattern:
        loose = strict | column.match(whole(kind.header_pattern), fits)
        cells = float(column.counts[loose].sum())
        if cells and cells >= kind.with_header * column.cells:
            return _recognition(kind, cells / column.cells, in_header=True, loose=True)
    if kind.inside is not None:
        # a note may be nothing but a number; a number among numbers is no note
        among = might & ~strict if strict.any() and not _are_words(column, ~strict) else might
        found = _inside(column, kind, among)
        if found.cells and found.cells >= kind.inside * column.cells and _beyond_chance(kind, found):
            return _recognition(kind, found.cells / column.cells, in_header=in_header, inside=True)
    return None


def _suggests(column: DistinctTexts, kind: IdentifierKind, hits: Hits, *, in_header: bool) -> bool:
    """Whether enough whole cells are such identifiers."""
    enough = kind.with_header if in_header else kind.alone
    if enough is None or not hits.cells or hits.cells < enough * column.cells:
        return False
    if in_header and hits.cells >= HALF * column.cells:
        return True
    return (in_header or hits.right >= kind.distinct) and _beyond_chance(kind, hits)


def _are_words(column: DistinctTexts, among: Mask) -> bool:
    """Whether most cells have a letter or a Chinese character, or another sign that is in no number."""
    cells = column.counts[among].sum()
    return bool(cells) and bool(column.counts[column.match(WORD, among)].sum() >= HALF * cells)


def _whole_cells(column: DistinctTexts, kind: IdentifierKind, fits: Mask) -> tuple[Mask, Hits]:
    """Which texts are such an identifier, and nothing else."""
    if not kind.pattern:
        return np.zeros(len(column.texts), np.bool_), Hits()
    strict = column.match(whole(kind.pattern), fits)
    candidates = int(strict.sum())
    if kind.checksum and candidates:
        places = np.flatnonzero(strict)
        strict[places] = _right(kind, column.texts.take(pa.array(places)))
    right = int(strict.sum())
    return strict, Hits(float(column.counts[strict].sum()), right, candidates)


def _right(kind: IdentifierKind, texts: pa.Array) -> Mask:
    if not kind.checksum:
        return np.ones(len(texts), np.bool_)
    plain = texts if kind.checksum == "ipv6" else pc.replace_substring_regex(texts, "[^0-9A-Z]", "")
    return CHECKSUMS[kind.checksum].passes(plain)


def _inside(column: DistinctTexts, kind: IdentifierKind, among: Mask) -> Hits:
    """How many longer texts hold such an identifier."""
    places = np.flatnonzero(column.match(kind.inside_pattern, among))
    found = [
        (place, match[0])
        for place, text in zip(places, column.texts.take(pa.array(places)).to_pylist(), strict=True)
        for match in kind.inside_expression.finditer(text)
    ]
    if not found:
        return Hits()
    right = _right(kind, pa.array([text for _, text in found], pa.string()))
    holding = np.unique(np.array([place for place, _ in found])[right])
    return Hits(float(column.counts[holding].sum()), int(right.sum()), len(found))


def _beyond_chance(kind: IdentifierKind, hits: Hits) -> bool:
    """Whether more pass the check than random texts of the same form would: by four standard deviations.

    One number in ten passes Luhn's check, so a column of order numbers has many that do.
    """
    if not kind.checksum:
        return True
    checksum = CHECKSUMS[kind.checksum]
    if hits.candidates <= checksum.believed:
        return hits.right > 0
    expected = hits.candidates * checksum.chance
    return hits.right > expected + 4 * sqrt(expected * (1 - checksum.chance))


def _recognition(
    kind: IdentifierKind, share: float, *, in_header: bool, inside: bool = False, loose: bool = False
) -> Recognition:
    in_class: ShareClass = share_class(share, 1)
    reason_en, reason_zh = reason(kind, in_class, in_header=in_header, inside=inside, loose=loose)
    return Recognition(
        kind=kind.id,
        share_class=in_class,
        confidence=_confidence(kind, share, in_header=in_header, inside=inside, loose=loose),
        reason=reason_en,
        reason_zh=reason_zh,
        inside=inside,
        grade=kind.grade,
        title_en=kind.title_en,
        title_zh=kind.title_zh,
    )


def _confidence(
    kind: IdentifierKind, share: float, *, in_header: bool, inside: bool, loose: bool
) -> Confidence:
    """A check that passes is the best witness, then the header, then the share."""
    nearly_all = share >= NEARLY_ALL
    if loose or (kind.weak and in_header):
        return "likely" if nearly_all else "possible"
    if kind.weak:
        return "possible"
    if kind.checksum:
        return "sure" if in_header or nearly_all or inside else "likely"
    if in_header and not inside:
        return "sure" if nearly_all else "likely"
    return "likely" if nearly_all or inside else "possible"
