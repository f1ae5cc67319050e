"""Defines what may be done with data of a grade, and the grade of a combination.
就高从严: the highest decides.

Source: GB/T 43697-2024, clause 4 (the rule), clause 6 (三级: 一般, 重要, 核心), annex H
(一般 in four levels).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.errors import InvalidInput
from sandbox.policy.yaml_text import YamlText

Class = Literal["general", "important", "core"]
CLASSES: tuple[Class, ...] = ("general", "important", "core")


@dataclass(frozen=True)
class Grade:
    """`rank` grows with the harm; `possible` is the ways that the grade opens ("see", "dp", "open_sale")."""

    id: str
    rank: int
    grade_class: Class
    name_en: str
    name_zh: str
    harm_en: str
    harm_zh: str
    possible: frozenset[str]
    concurrent_kernels: Literal["allowed", "frozen"] = "frozen"

    @property
    def freezes_kernels(self) -> bool:
        """Whether the team's kernels are paused while its sealed program reads rows of this grade."""
        return self.concurrent_kernels == "frozen"


@dataclass(frozen=True)
class Grades:
    """All grades, lowest first, and the ways with their meaning (English, Chinese)."""

    source: str
    ways: dict[str, tuple[str, str]]
    all: tuple[Grade, ...]

    def __getitem__(self, grade: str) -> Grade:
        """Raises `InvalidInput` for a grade that is not one."""
        found = next((known for known in self.all if known.id == grade), None)
        if found is None:
            raise InvalidInput(
                f"There is no grade {grade!r}.",
                remedy=f"Use one of {', '.join(known.id for known in self.all)}, as text.",
            )
        return found

    def combine(self, held: Iterable[str]) -> str:
        """The grade of what is held together: the highest.
        Raises `InvalidInput` for nothing, or an unknown grade.

        It is a floor: many harmless columns can make a harmful whole, which an officer may grade higher.
        """
        grades = [self[grade] for grade in held]
        if not grades:
            raise InvalidInput("There is no grade to combine.", remedy="Grade the dataset or its columns.")
        return max(grades, key=lambda grade: grade.rank).id

    def allows(self, grade: str, way: str) -> bool:
        """Whether the grade makes the way possible. Raises `InvalidInput` for an unknown grade or way."""
        if way not in self.ways:
            raise InvalidInput(f"There is no way {way!r}.", remedy=f"Use one of {', '.join(self.ways)}.")
        return way in self[grade].possible


def combine_grades(grades: Grades, held: Iterable[str]) -> str:
    """`grades.combine(held)`: the highest grade of several."""
    return grades.combine(held)


def load_grades(path: Path) -> Grades:
    """Read `grades.yaml` and check it with `grades.schema.json` beside it.
    Raises `InvalidInput`, naming the line."""
    text = YamlText(
        path.read_text("utf-8"), path.with_name("grades.schema.json"), what=f"{path.parent.name}/{path.name}"
    )
    document = text.document
    grades = tuple(
        Grade(
            id=entry["id"],
            rank=rank,
            grade_class=entry["class"],
            name_en=entry["name"]["en"],
            name_zh=entry["name"]["zh"],
            harm_en=entry["harm"]["en"],
            harm_zh=entry["harm"]["zh"],
            possible=frozenset(entry["possible"]),
            concurrent_kernels=entry["concurrent_kernels"],
        )
        for rank, entry in enumerate(document["grades"])
    )
    loaded = Grades(
        source=document["source"],
        all=grades,
        ways={way: (words["en"], words["zh"]) for way, words in document["ways"].items()},
    )
    check_order(loaded, text)
    return loaded


def check_order(grades: Grades, text: YamlText) -> None:
    """Each grade once, higher never below lower, no unknown way,
    and never more possible than for a lower grade."""
    for rank, grade in enumerate(grades.all):
        here = ("grades", rank)
        if grade.id in {lower.id for lower in grades.all[:rank]}:
            raise text.fault(
                f"the grade {grade.id!r} stands there twice.", *here, "id", remedy="Keep one of them."
            )
        if strange := sorted(grade.possible - grades.ways.keys()):
            raise text.fault(
                f"{strange[0]!r} is not a way.",
                *here,
                "possible",
                remedy=f"Use some of {', '.join(grades.ways)}, or explain it under `ways`.",
            )
        if rank == 0:
            continue
        lower = grades.all[rank - 1]
        if CLASSES.index(grade.grade_class) < CLASSES.index(lower.grade_class):
            raise text.fault(
                f"{grade.grade_class} stands above {lower.grade_class}.",
                *here,
                "class",
                remedy="List the grades lowest first: general, important, core.",
            )
        if lower.freezes_kernels and not grade.freezes_kernels:
            raise text.fault(
                f"{grade.id!r} lets kernels run, which the lower grade {lower.id!r} freezes.",
                *here,
                "concurrent_kernels",
                remedy="A higher grade is never less strict: write frozen.",
            )
        if more := sorted(grade.possible - lower.possible):
            raise text.fault(
                f"{grade.id!r} makes {more[0]!r} possible, which the lower grade {lower.id!r} does not.",
                *here,
                "possible",
                remedy="A higher grade never opens more than a lower one.",
            )
