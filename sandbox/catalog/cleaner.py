"""What publishing needs of whoever carries out cleaning steps: the package `cleaning`, which stands above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from sandbox.catalog.model import Column, DatasetPolicy, IdRule, Type


@dataclass(frozen=True)
class Cleaned:
    """The rows after the steps, with the policy's columns alone; and what each step did, for the publishing
    officer."""

    table: pa.Table
    told: tuple[str, ...]


class Cleaner(Protocol):
    def type_of(self, expression: str, columns: Sequence[Column]) -> Type:
        """The type of an expression over a row of these columns. Raises `InvalidInput` for what is not of
        the language, or could fail on a row."""

    def clean(self, table: pa.Table, policy: DatasetPolicy, *, ids: IdRule) -> Cleaned:
        """The typed rows of a file, in its order, after the policy's steps.
        Raises `InvalidInput`, which counts cells and quotes none."""
