"""Keeps copies of sold rows: one version of an object in the product bucket, read once and kept while there
is room."""

import io
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Protocol

import pyarrow
import pyarrow.parquet

from marketplace.products.model import ParameterType
from sandbox.errors import InvalidInput

KEY_TYPES: tuple[tuple[Callable[[pyarrow.DataType], bool], ParameterType], ...] = (
    (pyarrow.types.is_integer, "integer"),
    (pyarrow.types.is_boolean, "boolean"),
    (pyarrow.types.is_string, "text"),
    (pyarrow.types.is_large_string, "text"),
    (pyarrow.types.is_date32, "date"),
    (pyarrow.types.is_decimal, "number"),
)
KEPT_BYTES = 512 * 1024 * 1024


class Store(Protocol):
    """The part of `sandbox.storage.ProductStore` that the portal's read-only keys can use."""

    def get(self, name: str, version_id: str) -> bytes: ...


class Copies:
    """Open copies by object and version. A version never changes, so what is kept is never stale."""

    def __init__(self, store: Store, *, kept_bytes: int = KEPT_BYTES) -> None:
        self.store = store
        self.kept_bytes = kept_bytes
        self.kept: OrderedDict[tuple[str, str], pyarrow.Table] = OrderedDict()
        self.lock = Lock()

    def table(self, name: str, version_id: str) -> pyarrow.Table:
        """Raises what the store raises (`NotFound`, `Unavailable`)."""
        at = (name, version_id)
        with self.lock:
            if at in self.kept:
                self.kept.move_to_end(at)
                return self.kept[at]
            table = pyarrow.parquet.read_table(io.BytesIO(self.store.get(name, version_id)))
            self.kept[at] = table
            while len(self.kept) > 1 and sum(each.nbytes for each in self.kept.values()) > self.kept_bytes:
                self.kept.popitem(last=False)
            return table

    def touch(self, at: tuple[str, str]) -> None:
        """Count a use of a copy that its index answered. Never waits: while another copy is read, this use is
        not counted."""
        if self.lock.acquire(blocking=False):
            try:
                if at in self.kept:
                    self.kept.move_to_end(at)
            finally:
                self.lock.release()


def key_type(table: pyarrow.Table, column: str) -> ParameterType:
    """The type by which a column can be looked up.
    Raises `InvalidInput` where equality is not exact, as for floats."""
    arrow = table.schema.field(column).type
    found = next((name for fits, name in KEY_TYPES if fits(arrow)), None)
    if found is None:
        raise InvalidInput(
            f"{column} is of type {arrow}, by which nothing can be looked up exactly.",
            remedy="Choose a key of whole numbers, text, dates or yes and no.",
            zh=f"栏目 {column} 的类型是 {arrow}，不能精确查询。",
            remedy_zh="请以整数、文本、日期或是否类型的栏目作为查询键。",
        )
    return found
