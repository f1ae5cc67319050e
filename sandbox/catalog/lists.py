"""The city's lists: what is never published (负面清单), and who answers for which dataset (责任清单).

They are reviewed data, in policies/lists.yaml. An entry of the negative list is met by the dataset's name, by
the words of a column, or by identifiers that a column holds; of the last two, hidden columns count too,
because they are stored. A dropped column is not kept, so it is not counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa

from sandbox.catalog.model import Column, DatasetPolicy, Type, Words
from sandbox.errors import InvalidInput
from sandbox.ingest.headers import HeaderTerms, HeaderText
from sandbox.ingest.recognition import load_identifier_rules, recognise_all
from sandbox.policy import YamlText

ROWS_LOOKED_AT = 20_000
NO_WORDS = HeaderTerms((), ())
Kinds = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class NegativeEntry:
    """What may not be published, with the reason and the law."""

    id: str
    reason: Words
    ground: Words
    departments: tuple[str, ...]
    datasets: tuple[str, ...]
    columns: HeaderTerms
    identifiers: frozenset[str]

    def applies(self, policy: DatasetPolicy) -> bool:
        """Whether it is about the datasets of this name and department at all."""
        if self.departments and policy.department not in self.departments:
            return False
        return not self.datasets or any(fnmatchcase(policy.dataset, name) for name in self.datasets)

    @property
    def whole(self) -> bool:
        """Whether the dataset itself is forbidden, whatever its columns are."""
        return not (self.columns.zh or self.columns.en or self.identifiers)


@dataclass(frozen=True)
class Responsible:
    """Who answers for a step of the datasets of these names."""

    datasets: tuple[str, ...]
    step: str
    officer: str
    deputy: str


@dataclass(frozen=True)
class Lists:
    negative: tuple[NegativeEntry, ...] = ()
    responsibility: tuple[Responsible, ...] = ()

    def responsible_for(
        self, dataset: str, successor: Callable[[str], str] = lambda account: account
    ) -> list[Responsible]:
        """`successor`: to whom an account handed over what it answered for."""
        return [
            replace(entry, officer=successor(entry.officer), deputy=successor(entry.deputy))
            for entry in self.responsibility
            if any(fnmatchcase(dataset, name) for name in entry.datasets)
        ]

    def deputies_of(self, account: str) -> list[str]:
        """Who stands in for an officer, by the lists, in their order."""
        named = [entry.deputy for entry in self.responsibility if entry.officer == account and entry.deputy]
        return list(dict.fromkeys(named))

    def faults(self, policy: DatasetPolicy, identifiers: Kinds) -> list[InvalidInput]:
        """What of a policy is on the negative list. `identifiers`: the kinds that a column holds."""
        found = []
        for entry in self.negative:
            if not entry.applies(policy):
                continue
            if entry.whole:
                found.append(_dataset_fault(entry, policy.dataset))
                continue
            found += [
                _column_fault(entry, column.name)
                for column in (*policy.columns, *policy.inputs)
                if _named(entry.columns, column)
                or entry.identifiers & identifiers.get(column.name, frozenset())
            ]
        return found

    def require_none(self, policy: DatasetPolicy, identifiers: Kinds) -> None:
        """Raises `InvalidInput` with the first entry that is met."""
        for fault in self.faults(policy, identifiers):
            raise fault

    @property
    def name_identifiers(self) -> bool:
        """Whether an entry asks what a column holds."""
        return any(entry.identifiers for entry in self.negative)


def load_lists(policies: Path) -> Lists:
    """A city whose policies have no such file has empty lists. Raises `InvalidInput`."""
    file = policies / "lists.yaml"
    if not file.exists():
        return Lists()
    said = YamlText(
        file.read_text("utf-8"), policies / "lists.schema.json", what=f"{policies.name}/{file.name}"
    ).document
    return Lists(
        tuple(
            NegativeEntry(
                id=entry["id"],
                reason=Words(**entry["reason"]),
                ground=Words(**entry["ground"]),
                departments=tuple(entry.get("departments", ())),
                datasets=tuple(entry.get("datasets", ())),
                columns=HeaderTerms.of(entry["columns"]) if "columns" in entry else NO_WORDS,
                identifiers=frozenset(entry.get("identifiers", ())),
            )
            for entry in said["negative"]
        ),
        tuple(
            Responsible(tuple(entry["datasets"]), entry["step"], entry["officer"], entry.get("deputy", ""))
            for entry in said["responsibility"]
        ),
    )


def identifiers_of(table: pa.Table, policy: DatasetPolicy, policies: Path) -> Kinds:
    """The kinds of identifiers in each column that is kept, by its first rows."""
    rules = load_identifier_rules(policies / "identifiers.yaml")
    kinds = {}
    for column in policy.columns:
        if column.name not in table.column_names or column.type not in (Type.TEXT, Type.INTEGER):
            continue
        values = table.column(column.name).slice(0, ROWS_LOOKED_AT).cast(pa.string())
        found = recognise_all(values, column.rules.label, rules)
        kinds[column.name] = frozenset(each.kind for each in found if each.kind)
    return kinds


def _named(terms: HeaderTerms, column: Column) -> bool:
    texts = (column.name, column.rules.label, column.title.zh, column.title.en)
    return any(terms.name(HeaderText.of(text)) for text in texts)


def _dataset_fault(entry: NegativeEntry, dataset: str) -> InvalidInput:
    return InvalidInput(
        f"{dataset} is on the negative list ({entry.id}): {entry.reason.en}. Ground: {entry.ground.en}.",
        code="on_negative_list",
        remedy="It is not published. The city's list is in policies/lists.yaml.",
        zh=f"{dataset} 在负面清单中（{entry.id}）：{entry.reason.zh}。依据：{entry.ground.zh}。",
        remedy_zh="不得发布。清单见 policies/lists.yaml。",
    )


def _column_fault(entry: NegativeEntry, column: str) -> InvalidInput:
    return InvalidInput(
        f"{column} is on the negative list ({entry.id}): {entry.reason.en}. Ground: {entry.ground.en}.",
        code="on_negative_list",
        remedy="Do not keep the column: name it among dropped_columns.",
        zh=f"栏目 {column} 在负面清单中（{entry.id}）：{entry.reason.zh}。依据：{entry.ground.zh}。",
        remedy_zh="请勿保留该栏目：列入 dropped_columns。",
    )
