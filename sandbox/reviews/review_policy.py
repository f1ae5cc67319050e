"""Reads policies/reviews.yaml: by grade, how many reviewers an output needs, of which departments, within how
many days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sandbox.policy import Grades, YamlText


@dataclass(frozen=True)
class GradeRule:
    """`other_department`: no two of one department, and one of a department that owns none of the inputs.
    `one_if_low_risk`: one reviewer is enough where nothing was found but notes, and each file
    is of a low-risk kind."""

    reviewers: int
    other_department: bool
    one_if_low_risk: bool
    days: int


@dataclass(frozen=True)
class ReviewPolicy:
    """`reasons`: why a reviewer may return or refuse, each in Chinese and English.
    `closed`: days on which nobody works, beside Saturdays and Sundays."""

    grades: Mapping[str, GradeRule]
    low_risk: frozenset[str]
    reasons: Mapping[str, tuple[str, str]]
    closed: frozenset[date]


def read_review_policy(policies: Path, grades: Grades) -> ReviewPolicy:
    """Read `reviews.yaml`. Raises `InvalidInput`, naming the line:
    also when a grade that may be reviewed has no rule."""
    file = policies / "reviews.yaml"
    text = YamlText(
        file.read_text("utf-8"), policies / "reviews.schema.json", what=f"{policies.name}/{file.name}"
    )
    said = text.document
    reviewed = {grade.id for grade in grades.all if "reviewed" in grade.possible}
    for grade in sorted(reviewed ^ said["grades"].keys()):
        raise text.fault(
            f"the grade {grade!r} "
            + ("has no rule." if grade in reviewed else "is not one that may be reviewed."),
            "grades",
            grade,
            remedy="Give a rule to each grade whose `possible` in grades.yaml has `reviewed`.",
        )
    try:
        closed = frozenset(date.fromisoformat(day) for day in said["closed"])
    except ValueError:
        raise text.fault("a day is not a date.", "closed", remedy='Write it as "2026-10-01".') from None
    return ReviewPolicy(
        grades={grade: GradeRule(**rule) for grade, rule in said["grades"].items()},
        low_risk=frozenset(said["low_risk"]),
        reasons={code: (words["zh"], words["en"]) for code, words in said["reasons"].items()},
        closed=closed,
    )
