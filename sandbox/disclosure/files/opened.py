"""Defines an opened file, whatever its kind: grids of cells, pieces of text, a model's size, and faults found
on the way."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.disclosure.files.kind import Kind
from sandbox.disclosure.finding import Finding


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text and where it stands."""

    where: str
    text: str


@dataclass(frozen=True)
class Grid:
    """A table: names and rows of cells as text, each row as long as the header."""

    where: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, place: int) -> list[str]:
        return [row[place] for row in self.rows]

    def cell(self, row: int, place: int) -> str:
        """How a finding names a cell."""
        named = self.header[place] or f"column {place + 1}"
        return f"{self.where + ': ' if self.where else ''}row {row + 1}, {named}"

    def transposed(self) -> "Grid":
        """Rows as columns; the first column's cells become the names."""
        names = (self.header[0], *self.column(0))
        rows = tuple((self.header[place], *self.column(place)) for place in range(1, len(self.header)))
        return Grid(self.where, names, rows)

    def pieces(self, met: set[str] | None = None) -> Iterator[Piece]:
        """Those whose text is not in `met`, to which each is added."""
        if met is None:
            yield from self._pieces()
            return
        for place, name in enumerate(self.header):
            if name not in met:
                met.add(name)
                yield Piece(f"header, column {place + 1}", name)
        for number, row in enumerate(self.rows):
            for place, text in enumerate(row):
                if text and text not in met:
                    met.add(text)
                    yield Piece(self.cell(number, place), text)

    def _pieces(self) -> Iterator[Piece]:
        for place, name in enumerate(self.header):
            yield Piece(f"header, column {place + 1}", name)
        for number, row in enumerate(self.rows):
            for place, text in enumerate(row):
                if text:
                    yield Piece(self.cell(number, place), text)


@dataclass(frozen=True)
class Size:
    """Where a model's numbers lie: its largest parts by name, and its trees with their leaves."""

    largest: tuple[tuple[str, int], ...] = ()
    trees: int = 0
    leaves: int = 0
    in_trees: int = 0


@dataclass(frozen=True)
class Opened:
    """A file that could be opened.
    `parameters` is how many numbers of its own a model holds, `arrays` are its numbers (as
    many as are looked at)."""

    kind: Kind
    grids: tuple[Grid, ...] = ()
    texts: tuple[Piece, ...] = ()
    lists: tuple[tuple[str, int], ...] = ()  # JSON's long lists of numbers: where, how long
    parameters: int = 0
    findings: tuple[Finding, ...] = ()
    arrays: tuple[Grid, ...] = ()
    size: Size = Size()
    coordinates: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a drawing's points, by what they are

    def distinct_pieces(self) -> Iterator[Piece]:
        """Every text of the file once, where it stands first; a table in a text stands in it only as text."""
        met: set[str] = set()
        for piece in self.texts:
            if piece.text not in met:
                met.add(piece.text)
                yield piece
        if not self.texts:
            for grid in self.grids:
                yield from grid.pieces(met)
