"""What is asked before a dataset opens (policies/opening.yaml), and from which grade two officers are needed.

The rule of the second person stands here alone: publishing a draft, opening a version, announcing one with
values of keys, and ending a dataset all ask `needs_second_person`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from sandbox.catalog.grade import highest_grade
from sandbox.catalog.model import DatasetPolicy, Words
from sandbox.city_time import end_of_working_days
from sandbox.policy import Grades, YamlText
from sandbox.policy.grades import load_grades

Kind = Literal["version", "open_copy"]
AnsweredBy = Literal["system", "publisher", "second_person"]
Check = Literal["negative_list", "identifiers", "free_text", "budget", "bounds", "responsible"]
USUAL_GRADE, USUAL_DAYS = "4", 5


@dataclass(frozen=True)
class OpeningItem:
    """One line of the checklist. `check`: what the system looks at, where it answers."""

    id: str
    question: Words
    answered_by: AnsweredBy
    from_grade: str
    on: frozenset[Kind]
    check: Check | None = None


@dataclass(frozen=True)
class OpeningPolicy:
    """`closed`: days on which nobody works, beside Saturdays and Sundays (policies/reviews.yaml)."""

    second_person_from: str = USUAL_GRADE
    answer_days: int = USUAL_DAYS
    items: tuple[OpeningItem, ...] = ()
    closed: frozenset[date] = frozenset()

    def asks_second_person(self, grades: Grades, grade: str) -> bool:
        return grades[grade].rank >= grades[self.second_person_from].rank

    def needs_second_person(self, grades: Grades, policy: DatasetPolicy) -> bool:
        """By the highest grade of the dataset and of its columns that are not hidden."""
        return self.asks_second_person(grades, highest_grade(grades, policy))

    def items_for(self, grades: Grades, grade: str, kind: Kind) -> Sequence[OpeningItem]:
        """What is asked at this grade. Nothing is asked of a second person where none is needed."""
        second = self.asks_second_person(grades, grade)
        return [
            item
            for item in self.items
            if kind in item.on
            and grades[grade].rank >= grades[item.from_grade].rank
            and (second or item.answered_by != "second_person")
        ]

    def due_at(self, asked: datetime) -> datetime:
        return end_of_working_days(asked, self.answer_days, self.closed)


def closed_days(policies: Path) -> frozenset[date]:
    """On which nobody works, beside Saturdays and Sundays; none where the policies have no reviews.yaml."""
    calendar = policies / "reviews.yaml"
    if not calendar.exists():
        return frozenset()
    days = YamlText(
        calendar.read_text("utf-8"), policies / "reviews.schema.json", what=f"{policies.name}/reviews.yaml"
    ).document["closed"]
    return frozenset(date.fromisoformat(day) for day in days)


def load_opening(policies: Path) -> OpeningPolicy:
    """A city whose policies have no such file asks nothing but the second person, from the usual grade on.
    Raises `InvalidInput`, naming the line."""
    file, closed = policies / "opening.yaml", closed_days(policies)
    if not file.exists():
        return OpeningPolicy(closed=closed)
    text = YamlText(
        file.read_text("utf-8"), policies / "opening.schema.json", what=f"{policies.name}/{file.name}"
    )
    _check(text, load_grades(policies / "grades.yaml"))
    said = text.document
    return OpeningPolicy(
        said["second_person_from"],
        said["answer_days"],
        tuple(
            OpeningItem(
                item["id"],
                Words(**item["question"]),
                item["answered_by"],
                item["from_grade"],
                frozenset(item["on"]),
                item.get("check"),
            )
            for item in said["items"]
        ),
        closed,
    )


def _check(text: YamlText, grades: Grades) -> None:
    known = {grade.id for grade in grades.all}
    grade = text.document["second_person_from"]
    if grade not in known:
        raise text.fault(f"there is no grade {grade!r}.", "second_person_from", remedy="See grades.yaml.")
    ids: set[str] = set()
    for place, item in enumerate(text.document["items"]):
        if item["from_grade"] not in known:
            raise text.fault(
                f"there is no grade {item['from_grade']!r}.",
                "items",
                place,
                "from_grade",
                remedy="See grades.yaml.",
            )
        if item["id"] in ids:
            raise text.fault(
                f"{item['id']} is there twice.", "items", place, "id", remedy="Give each item its own id."
            )
        ids.add(item["id"])
