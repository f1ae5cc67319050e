"""Chooses the checks that a file gets, and their thresholds.

`policies/disclosure.yaml` is read whole; the slightest fault stops the start.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from sandbox.disclosure.declaration import Declaration
from sandbox.disclosure.files.file_limits import FileLimits
from sandbox.disclosure.finding import Severity
from sandbox.disclosure.form import ALL_BITS, PLAIN, Form
from sandbox.errors import InvalidInput
from sandbox.policy import YamlText

NAMES = tuple[str, str]
"""English, Chinese."""


COUNTING = frozenset({"frequencies", "links"})
"""The statbarns of counts of units."""

WINDOW_DAYS = 90
"""Where the file does not say over how long a team's capacity counts."""

ORGANISATION_WINDOWS = 4
"""Where it does not say how many times a team's limits all teams of an organisation have together."""


@dataclass(frozen=True)
class Thresholds:
    """What policies/disclosure.yaml explains, for one grade."""

    minimum_count: int
    rounding_base: int
    zero_cells: Severity
    degrees_of_freedom: int
    dominance_units: int
    dominance_percent: int
    prior_percent: int
    margin_interval: int
    units_per_parameter: int
    membership_percent: int
    most_columns: int
    microdata_rows: int
    significant_digits: int
    capacity_bits: int
    window_bits: int
    window_files: int
    weight_bits: int


@dataclass(frozen=True)
class Statbarn:
    """A group of analyses with the same risks."""

    id: str
    name: NAMES
    risks: tuple[str, ...]
    checks: tuple[str, ...]
    analyses: dict[str, NAMES]


@dataclass(frozen=True)
class DisclosureRules:
    """The taxonomy with one grade's thresholds."""

    grade: str
    thresholds: Thresholds
    taxonomy: "Taxonomy"

    @property
    def statbarns(self) -> dict[str, Statbarn]:
        return self.taxonomy.statbarns

    def statbarn(self, declared: str) -> Statbarn | None:
        """By its own name, or by that of one of its analyses."""
        return self.taxonomy.statbarn(declared)

    def form(self, declared: Declaration) -> Form:
        """How a file that is declared so leaves."""
        return Form(
            self.taxonomy.is_counting(declared.statbarn),
            declared.counted,
            self.thresholds.minimum_count,
            self.taxonomy.digits,
            self.thresholds.weight_bits,
            declared.known,
        )


@dataclass(frozen=True)
class Taxonomy:
    """All of policies/disclosure.yaml."""

    most_bytes: int
    most_rows: int
    window_days: int
    organisation_windows: int
    digits: tuple[tuple[int, int], ...]
    grades: dict[str, Thresholds]
    risks: dict[str, NAMES]
    always: tuple[str, ...]
    skops_types: tuple[str, ...]
    statbarns: dict[str, Statbarn]

    def statbarn(self, declared: str) -> Statbarn | None:
        """By its own name, or by that of one of its analyses."""
        return self.statbarns.get(declared) or next(
            (barn for barn in self.statbarns.values() if declared in barn.analyses), None
        )

    @property
    def file_limits(self) -> FileLimits:
        return FileLimits(self.most_bytes, self.most_rows, self.skops_types)

    def is_counting(self, declared: str) -> bool:
        """Whether what is declared so is counts of units: every whole number that is no label is one."""
        barn = self.statbarn(declared)
        return barn is not None and barn.id in COUNTING

    @property
    def names(self) -> tuple[str, ...]:
        """What a file can be declared as: statbarns first, then the analyses that stand for them."""
        return (
            *self.statbarns,
            *dict.fromkeys(
                name
                for barn in self.statbarns.values()
                for name in barn.analyses
                if name not in self.statbarns
            ),
        )

    def with_analyses(self, statbarns: Iterable[str]) -> frozenset[str]:
        """These statbarns and all that can be declared instead of them.
        Raises `InvalidInput` for what is no statbarn."""
        found: set[str] = set()
        for name in statbarns:
            if name not in self.statbarns:
                raise InvalidInput(
                    f"policies/reviews.yaml: low_risk: {name!r} is no statbarn of disclosure.yaml.",
                    remedy=f"Use some of {', '.join(self.statbarns)}.",
                )
            found |= {name, *self.statbarns[name].analyses}
        return frozenset(found)

    def at(self, grade: str) -> DisclosureRules:
        """The rules for outputs made of data of that grade.
        Raises `InvalidInput` for one that never leaves."""
        if grade not in self.grades:
            raise InvalidInput(
                f"Nothing made of data of grade {grade!r} leaves a sealed run.",
                remedy=f"Use data of grade {', '.join(self.grades)}.",
                zh=f"由 {grade!r} 级数据产生的结果一律不得输出。",
                remedy_zh=f"请使用 {'、'.join(self.grades)} 级数据。",
            )
        return DisclosureRules(grade, self.grades[grade], self)


def load_disclosure(path: Path, *, checks: Iterable[str]) -> Taxonomy:
    """Read `disclosure.yaml` and check it with `disclosure.schema.json` beside it.
    `checks` are those that the code knows.

    Raises `InvalidInput`, naming the line.
    """
    text = YamlText(
        path.read_text("utf-8"),
        path.with_name("disclosure.schema.json"),
        what=f"{path.parent.name}/{path.name}",
    )
    said, known = text.document, frozenset(checks)
    for place, check in enumerate(said["always"]):
        _known(text, check, known, "always", place)
    met: set[str] = set()
    for name, barn in said["statbarns"].items():
        for place, check in enumerate(barn["checks"]):
            _known(text, check, known, "statbarns", name, "checks", place)
        if strange := sorted(set(barn["risks"]) - said["risks"].keys()):
            raise text.fault(
                f"{strange[0]!r} is not a risk.",
                "statbarns",
                name,
                "risks",
                remedy=f"Use some of {', '.join(said['risks'])}.",
            )
        if twice := sorted(met & barn["analyses"].keys()):
            raise text.fault(
                f"the analysis {twice[0]!r} stands in two statbarns.",
                "statbarns",
                name,
                "analyses",
                remedy="Keep one of them.",
            )
        met |= barn["analyses"].keys()
    return Taxonomy(
        most_bytes=said["files"]["most_bytes"],
        most_rows=said["files"]["most_rows"],
        window_days=said.get("window_days", WINDOW_DAYS),
        organisation_windows=said.get("organisation_windows", ORGANISATION_WINDOWS),
        digits=_digits(text),
        grades={grade: _thresholds(numbers) for grade, numbers in said["grades"].items()},
        risks={risk: _names(words) for risk, words in said["risks"].items()},
        always=tuple(said["always"]),
        skops_types=tuple(said["skops_types"]),
        statbarns={
            name: Statbarn(
                name,
                _names(barn["name"]),
                tuple(barn["risks"]),
                tuple(barn["checks"]),
                {analysis: _names(words) for analysis, words in barn["analyses"].items()},
            )
            for name, barn in said["statbarns"].items()
        },
    )


def _digits(text: YamlText) -> tuple[tuple[int, int], ...]:
    """(units, digits), in order. Raises `InvalidInput` where more units would give fewer digits."""
    if "digits" not in text.document:
        return PLAIN.digits
    rules = tuple((rule["units"], rule["digits"]) for rule in text.document["digits"])
    if rules[0][0] != 1 or any(
        later[0] <= earlier[0] or later[1] < earlier[1] for earlier, later in pairwise(rules)
    ):
        raise text.fault(
            "the digits do not grow with the units, from one unit on.",
            "digits",
            remedy="Begin with `units: 1`; write more units later, with as many digits or more.",
        )
    return rules


def _known(text: YamlText, check: str, known: frozenset[str], *path: str | int) -> None:
    if check not in known:
        raise text.fault(
            f"there is no check {check!r}.", *path, remedy=f"Use some of {', '.join(sorted(known))}."
        )


def _names(words: dict[str, str]) -> NAMES:
    return words["en"], words["zh"]


def _thresholds(numbers: dict[str, Any]) -> Thresholds:
    # a file of before the capacity was counted has no limit of it, and models left as they were
    unlimited = {"capacity_bits": 0, "window_bits": 0, "window_files": 0, "weight_bits": ALL_BITS}
    named = {field.name: numbers[field.name] for field in fields(Thresholds) if field.name in numbers}
    said: dict[str, Any] = unlimited | named
    return Thresholds(**(said | {"zero_cells": Severity(numbers["zero_cells"])}))
