"""A file as an officer meets it: drafted, and read by the draft's policy, which is not edited."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.catalog.model import DatasetPolicy
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.read_table import read_file
from sandbox.drafts.names import load_header_words
from sandbox.drafts.suggest import Rules, Suggested, rounded_up, suggest
from sandbox.ingest import FieldRules, IdRule, InMemory, Type, open_file
from sandbox.ingest.code_lists import load_code_lists
from sandbox.ingest.file_format import DETECTED, FileFormat
from sandbox.ingest.inference import inspect
from sandbox.ingest.read import Rows
from sandbox.ingest.recognition import load_identifier_rules

POLICIES = Path(__file__).parents[2] / "policies"
SCHEMA = POLICIES / "dataset.schema.json"


@cache
def rules() -> Rules:
    return Rules(
        load_header_words(POLICIES),
        load_identifier_rules(POLICIES / "identifiers.yaml"),
        load_code_lists(POLICIES / "codes"),
    )


@cache
def plain_rules() -> Rules:
    """Without identifiers and code lists, which say nothing of how cells are read."""
    return replace(rules(), identifiers=replace(rules().identifiers, kinds=()), code_lists=())


@dataclass(frozen=True)
class Drafted:
    body: bytes
    suggested: Suggested
    text: str
    policy: DatasetPolicy

    @property
    def written(self) -> dict[str, Any]:
        """The policy's document of each column, by its header in the file."""
        return {spec.get("source", name): spec for name, spec in self.suggested.policy["columns"].items()}

    def read(self) -> Rows:
        return read_file(self.body, self.policy, ids=IdRule.EXACT)

    def columns(self) -> dict[str, list[Any]]:
        """The values by the headers of the file, sorted by unit, as they were read."""
        table = self.read().table
        return {column.rules.label: table[column.name].to_pylist() for column in self.policy.file_columns}


def drafted(
    body: bytes, name: str = "file.csv", given: FileFormat = DETECTED, by: Rules | None = None
) -> Drafted:
    source = InMemory(body)
    file = open_file(source, given)
    shapes = inspect(file)

    def rows_of_unit(label: str) -> int:
        fields = {label: FieldRules(label, Type.TEXT, unit=True, source=label)}
        texts = [pc.cast(batch.column(0), pa.string()) for batch in file.batches(fields)]
        counts = pc.value_counts(pa.chunked_array(texts).drop_null()).field("counts")
        return rounded_up(max(counts.to_pylist(), default=1))

    suggested = suggest(shapes, by or rules(), file_name=name, department="health", rows_of_unit=rows_of_unit)
    stated = {
        key: value
        for key in ("encoding", "separator", "sheet", "header_row", "header_rows")
        if (value := getattr(given, key)) is not None
    } | ({"notes": given.notes} if given.notes else {})
    if stated:
        suggested.policy["file"] = stated
    text = suggested.text
    return Drafted(body, suggested, text, read_policy(text, schema=SCHEMA))
