"""What publishing needs of whoever carries out cleaning steps: the package `cleaning`, which stands above."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from sandbox.catalog.cleaning_steps import Step, made_column, written_columns
from sandbox.catalog.model import Column, DatasetPolicy, IdRule, Type
from sandbox.ingest.read import CleanRows
from sandbox.ingest.spool import Spool


@dataclass(frozen=True)
class Done:
    """What a step did: how many cells it changed or made, and how many rows it left out."""

    step: Step
    cells: int
    rows: int

    def told(self, number: int) -> str:
        at = ", ".join(written_columns(self.step))
        done = [f"{self.cells} cells {'were made' if made_column(self.step) else 'changed'}"] if at else []
        done += [f"{self.rows} rows were left out"] if self.rows or not at else []
        return f"step {number}, {self.step.verb}{f' {at}' if at else ''}: {', '.join(done)}"


class Cleaner(Protocol):
    def type_of(self, expression: str, columns: Sequence[Column]) -> Type:
        """The type of an expression over a row of these columns. Raises `InvalidInput` for what is not of
        the language, or could fail on a row."""

    def with_one_time_keys(self) -> "Cleaner":
        """The same with pseudonyms of keys that are made for this use alone."""

    def clean(
        self,
        batches: Iterator[pa.RecordBatch],
        policy: DatasetPolicy,
        *,
        ids: IdRule,
        spool: Spool,
    ) -> CleanRows:
        """The typed rows of a file, in its order, after the policy's steps, with the policy's columns alone.
        Only what a step must see of all rows waits in `spool`. The batches raise `InvalidInput` at their end,
        which counts cells and quotes none."""

    def preview(self, table: pa.Table, policy: DatasetPolicy) -> Iterator[tuple[pa.Table, Done]]:
        """Some rows after each step, and what it did. What does not fit is empty, and refuses nothing;
        pseudonyms are of a key that is made for this preview alone."""
