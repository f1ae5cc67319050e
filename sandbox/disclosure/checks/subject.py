"""Defines the subject of a check.

The opened file, what its author declares about it, its supporting counts and what is known of the raw data.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from sandbox.disclosure.checks.column_roles import Roles, folded, upright
from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.files.opened import Grid, Opened, Piece
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.disclosure.taxonomy import COUNTING, Statbarn, Thresholds

NUMBER = re.compile(r"[+-]?\d{1,10}(?:\.\d{0,20})?")


@dataclass(frozen=True)
class Subject:
    """`counts` is the opened file of supporting counts."""

    name: str
    opened: Opened
    declared: Declaration
    statbarn: Statbarn
    thresholds: Thresholds
    counts: Grid | None
    raw: RawValues | None

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset() if self.raw is None else self.raw.key_names

    @cached_property
    def tables(self) -> tuple[Roles, ...]:
        counting = self.statbarn.id in COUNTING
        return tuple(Roles(upright(grid), self.keys, counting) for grid in self.opened.grids)

    @cached_property
    def supporting(self) -> Roles | None:
        return None if self.counts is None else Roles(upright(self.counts), self.keys, all_counts=False)

    def supported(self, roles: Roles) -> dict[int, int]:
        """Row of the output -> row of the supporting counts with the same labels."""
        counts = self.supporting
        if counts is None:
            return {}
        theirs = {folded(name): place for place, name in enumerate(counts.grid.header)}
        shared = [
            (place, theirs[folded(roles.grid.header[place])])
            for place in range(len(roles.grid.header))
            if folded(roles.grid.header[place]) in theirs
            and place not in roles.counts
            and theirs[folded(roles.grid.header[place])] not in counts.counts
        ]
        if not shared:
            same = len(counts.grid.rows) == len(roles.grid.rows)
            return {row: row for row in range(len(roles.grid.rows))} if same else {}
        known = {
            tuple(folded(row[place]) for _mine, place in shared): number
            for number, row in enumerate(counts.grid.rows)
        }
        found = {
            number: known.get(tuple(folded(row[place]) for place, _theirs in shared))
            for number, row in enumerate(roles.grid.rows)
        }
        return {number: match for number, match in found.items() if match is not None}

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Every text, each text once (where it stands first): tables repeat themselves."""
        found = (piece for piece in self.opened.distinct_pieces() if piece.text != self.name)
        return (Piece("file name", self.name), *found)

    @cached_property
    def words(self) -> tuple[Piece, ...]:
        """The pieces that are more than an ordinary number: where something could be hidden."""
        return tuple(piece for piece in self.pieces if not NUMBER.fullmatch(piece.text))
