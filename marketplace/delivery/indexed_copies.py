"""Keeps an index beside each copy that is kept, so that a look-up takes no time and no lock."""

from threading import Lock

from marketplace.delivery.row_index import RowIndex
from marketplace.products.copies import Copies
from marketplace.products.model import RowsDefinition


class IndexedCopies:
    """Indexes by object and version, for as long as the copy itself is kept."""

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        self.indexes: dict[tuple[str, str], RowIndex] = {}
        self.lock = Lock()

    def ready(self, definition: RowsDefinition, columns: tuple[str, ...]) -> RowIndex | None:
        """The index if it is there with these columns, at once."""
        at = definition.object, definition.version_id
        index = self.indexes.get(at)
        if index is None or not index.is_made(columns):
            return None
        self.copies.touch(at)
        return index

    def make(self, definition: RowsDefinition, columns: tuple[str, ...]) -> RowIndex:
        """The index, once the copy is read and sorted by these columns, which may take a while.
        Raises what the store raises (`NotFound`, `Unavailable`)."""
        at = definition.object, definition.version_id
        table = self.copies.table(*at)
        with self.lock:
            for gone in self.indexes.keys() - self.copies.kept.keys():
                del self.indexes[gone]
            if at not in self.indexes or self.indexes[at].table is not table:
                self.indexes[at] = RowIndex(table)
            index = self.indexes[at]
        for column in columns:
            index.column(column)
        return index
