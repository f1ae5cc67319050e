"""Defines a dataset: its policy (what the officer declared) and its versions (what was published)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from sandbox.catalog.cleaning_steps import ChangeCase, Pseudonym, Step, Trim, made_column, written_columns
from sandbox.catalog.expectations import Expectation
from sandbox.catalog.lineage import Lineage
from sandbox.catalog.typical import Relation, Typical
from sandbox.ingest.file_format import DETECTED, FileFormat
from sandbox.ingest.limits import LONGEST_TEXT
from sandbox.ingest.model import FieldRules, IdRule, Type, Unfit
from sandbox.ingest.units import UnitIds
from sandbox.ingest.written import PLAIN, Written
from sandbox.privacy import PrivacyLoss, PrivacyUnit, limit_within, rho_within

__all__ = [
    "KEYS_IN_A_DELTA",
    "KEYS_PRICED_AS",
    "LONGEST_TEXT",
    "Bounds",
    "Column",
    "DatasetBudget",
    "DatasetPolicy",
    "FieldRules",
    "IdRule",
    "KeyValue",
    "Role",
    "Type",
    "Unfit",
    "Version",
    "Words",
]

KEYS_IN_A_DELTA = 10_000
"""Finding a key's values costs this part of the dataset's delta;
a tenth of it is kept for them (privacy.limit_within)."""

KEYS_PRICED_AS = 1000
"""A question's rho leaves this part of the delta for each of its keys: more than they cost.
It was what they cost in the first release; with another part, questions that were answered then would have
another price now, and would not be free."""

KeyValue = str | int | bool | date


class Role(StrEnum):
    """What a column is for: it decides what a question may do with it."""

    UNIT = "unit"  # names whom we protect; may only be counted as COUNT(DISTINCT unit)
    KEY = "key"  # has public values: group by it, filter on it
    MEASURE = "measure"  # has bounds: sum it, average it, count it, filter on it
    ATTRIBUTE = "attribute"  # filter on it, count it
    HIDDEN = "hidden"  # stays in the store; no question may name it


@dataclass(frozen=True)
class Words:
    zh: str
    en: str


@dataclass(frozen=True)
class Bounds:
    """A measure is clamped to [low, high] and put on the public grid of `step`; all three exact."""

    low: Fraction
    high: Fraction
    step: Fraction

    @property
    def centre(self) -> Fraction:
        """The grid point at or just below the middle: averages are summed around it,
        at half the sensitivity."""
        return self.low + ((self.high - self.low) / 2 // self.step) * self.step

    @property
    def span(self) -> int:
        """How many steps a clamped value can be from the centre, at most."""
        return int(-(-(self.high - self.centre) // self.step))

    @property
    def reach(self) -> int:
        """How many steps a clamped value can be from zero, at most."""
        return int(-(-max(abs(self.low), abs(self.high)) // self.step))


@dataclass(frozen=True)
class Column:
    name: str
    role: Role
    type: Type
    title: Words
    grade: str
    values: tuple[KeyValue, ...] = ()
    bounds: Bounds | None = None
    required: bool = False
    measured_in: str = ""
    empty_marks: tuple[str, ...] = ()
    unfit: Unfit = Unfit.REFUSE
    longest: int = LONGEST_TEXT
    source: str | None = None  # its header in the file, where that is not the name
    written: Written = PLAIN
    made: bool = False  # by a cleaning step: the file has no such column
    cleaned: bool = False  # changed or made by a step: whether a cell is empty is looked at after the steps
    kept: bool = True  # False: it is there for the steps, and is not stored
    element: str = ""  # the data element that it refers to
    typical: Typical | None = None  # for invented rows alone

    @property
    def rules(self) -> FieldRules:
        """How its cells are read when a version is published.
        Nothing computes with units and hidden columns."""
        unit = self.role is Role.UNIT
        return FieldRules(
            self.name,
            self.type,
            unit=unit,
            required=self.required and not self.cleaned,
            computed=self.role not in (Role.UNIT, Role.HIDDEN),
            empty_marks=frozenset(self.empty_marks),
            unfit=self.unfit,
            longest=self.longest,
            source=self.source,
            written=self.written,
        )


@dataclass(frozen=True)
class DatasetBudget:
    """What may be lost, in epsilon at `delta`: by all of a dataset's answers, by one grant,
    by a question by default."""

    delta: Fraction
    dataset_epsilon: Fraction
    grant_epsilon: Fraction
    question_epsilon: Fraction

    @property
    def key_delta(self) -> Fraction:
        """What finding one key's values costs of the delta."""
        return self.delta / KEYS_IN_A_DELTA

    def loss(self, epsilon: Fraction, *, keys: int = 0) -> PrivacyLoss:
        """The rho that an answer of that epsilon may cost, when the delta must do for finding so
        many keys' values too."""
        return rho_within(epsilon, self.delta - keys * self.delta / KEYS_PRICED_AS)

    def limit(self, epsilon: Fraction) -> PrivacyLoss:
        """What an account of that epsilon may lose in all, delta included."""
        return limit_within(epsilon, self.delta)


@dataclass(frozen=True)
class CatalogueEntry:
    """The fields of the government's catalogue of resources that nothing else in a policy says."""

    resource_code: str = ""
    classification: tuple[str, ...] = ()
    provider_code: str = ""
    sharing: str = ""
    sharing_condition: str = ""
    opening: str = ""
    opening_condition: str = ""
    updates: str = ""
    released_on: str = ""


@dataclass(frozen=True)
class DatasetPolicy:
    """The officer's word on a dataset, checked. An open dataset (no unit) cannot be asked, only opened."""

    dataset: str
    title: Words
    summary: Words
    department: str
    grade: str
    source: str
    licence: str
    citation: str
    update_cycle: str
    about_rows: int
    population: str
    unit: PrivacyUnit | None
    budget: DatasetBudget | None
    columns: tuple[Column, ...]
    hint_bits: int = 0  # in all, for each grant; without it there are none
    certificate: str = ""  # the course whose training certificate people need for a grant, and under it
    ids: IdRule | None = (
        None  # of a published version never None: what it was published by (dataset_repository.py)
    )
    file: FileFormat = DETECTED
    dropped_columns: tuple[str, ...] = ()
    catalogue: CatalogueEntry = CatalogueEntry()
    made_ids: UnitIds | None = None  # the unit's column is made of others, or of the row; the file has none
    steps: tuple[Step, ...] = ()  # cleaning, before rows are stored
    inputs: tuple[Column, ...] = ()  # columns for the steps alone: no row that is stored has them
    expectations: tuple[Expectation, ...] = ()
    derive: str = ""  # the SQL by which its rows are made of other datasets'; else they come from a file
    inherited_pseudonyms: tuple[tuple[str, ...], ...] | None = None  # of a derived version: its inputs'
    relations: tuple[Relation, ...] = ()  # of typical values, for invented rows alone

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """The columns that the file has."""
        made_unit = self.made_ids is not None
        return tuple(
            column
            for column in (*self.columns, *self.inputs)
            if not column.made and not (made_unit and column.role is Role.UNIT)
        )

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that rows have after the steps, before ids are made."""
        made_unit = self.made_ids is not None
        return tuple(column for column in self.columns if not (made_unit and column.role is Role.UNIT))

    @property
    def unit_parts(self) -> tuple[str, ...]:
        """The columns that name the unit: its own, or those of which its id is made."""
        if self.made_ids is not None:
            return self.made_ids.of or ()
        return (self.unit.column,) if self.unit is not None else ()

    @property
    def pseudonyms(self) -> tuple[tuple[str, ...], ...]:
        """Under which keys the unit's id is a pseudonym: datasets in which these are not the same name one
        person by two ids."""
        if self.inherited_pseudonyms is not None:
            return self.inherited_pseudonyms
        found = []
        for place, name in enumerate(self.unit_parts):
            before = name
            for step in reversed(self.steps):
                if isinstance(step, Pseudonym) and step.into == before:
                    before = step.column
                    # an id that is read as a number has no leading zeros: as a text it is another
                    read_as = next(
                        (
                            str(column.type)
                            for column in (*self.columns, *self.inputs)
                            if column.name == before
                        ),
                        "",
                    )
                    found.append((str(place), self.department, step.shared_as or f"={self.dataset}", read_as))
        return tuple(found)

    def id_steps(self, *, exact: bool) -> tuple[Step, ...]:
        """The steps that decide which id a person has. Spaces and case do where ids are exact."""
        kinds = (Pseudonym, Trim, ChangeCase) if exact else (Pseudonym,)
        names, found = set(self.unit_parts), []
        for step in reversed(self.steps):
            if isinstance(step, kinds) and names & set(written_columns(step)):
                found.append(step)
                if isinstance(step, Pseudonym) and made_column(step) is not None:
                    names.add(step.column)
        return tuple(found)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Version:
    """One published version of a dataset.
    `rows` is exact and stays in the vault; `policy.about_rows` is public."""

    dataset: str
    number: int
    policy: DatasetPolicy
    object_name: str
    object_version: str
    sha256: str
    published_by: str
    published_at: datetime
    # what may change, or be told otherwise, is no part of which version it is: rows are kept by version
    notes: str = field(default="", compare=False)
    withdrawn_at: datetime | None = field(default=None, compare=False)
    withdrawn_because: str = field(default="", compare=False)
    opened_at: datetime | None = field(default=None, compare=False)
    retires_at: datetime | None = field(default=None, compare=False)  # the dataset's, where it is in use
    lineage: Lineage | None = field(default=None, compare=False)  # of a derived version
    # whether whoever published it had all its rows as a file: not of what was pulled, pushed, merged, derived
    publisher_held_rows: bool = field(default=False, compare=False)
    # the split of its population that is committed now: its rows are then those of train people alone
    split: str = ""

    def figures_known_to(self, officer: str) -> bool:
        """Whether exact figures of its rows tell this officer nothing that they did not hold."""
        return self.published_by == officer and self.publisher_held_rows and self.lineage is None

    @property
    def rows_sha256(self) -> str:
        """Which rows are asked: those that are stored, or of these the train people's."""
        return f"{self.sha256}/{self.split}" if self.split else self.sha256

    @property
    def name(self) -> str:
        """How an answer names it, such as `health.visits@2`."""
        return f"{self.dataset}@{self.number}"
