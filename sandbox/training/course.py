"""Reads policies/course.yaml: the course's questions in both languages, and the rules of its test."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox.api_schema import Words
from sandbox.policy import YamlText


@dataclass(frozen=True)
class Question:
    """`options`: each in both languages, the right one first. `why`: what explains it once it is marked."""

    id: str
    ask: Words
    options: tuple[Words, ...]
    why: Words


@dataclass(frozen=True)
class Course:
    """`drawn` of the questions are asked, `needed` right answers pass. `renew_days` before a certificate ends
    the test may be taken again, `warn_days` before it its holder is told."""

    id: str
    version: int
    title: Words
    drawn: int
    needed: int
    attempts_a_day: int
    minutes: int
    valid_days: int
    renew_days: int
    warn_days: int
    questions: tuple[Question, ...]
    sha256: str

    @cached_property
    def by_id(self) -> dict[str, Question]:
        return {question.id: question for question in self.questions}


def read_course(policies: Path) -> Course:
    """Raises `InvalidInput`, naming the line."""
    file = policies / "course.yaml"
    written = file.read_text("utf-8")
    text = YamlText(written, policies / "course.schema.json", what=f"{policies.name}/{file.name}")
    document: dict[str, Any] = text.document
    ids = [question["id"] for question in document["questions"]]
    for place, id in enumerate(ids):
        if id in ids[:place]:
            raise text.fault(
                f"the question {id!r} stands there twice.", "questions", place, remedy="Give it another id."
            )
    for name, most, what in (
        ("drawn", len(ids), "there are questions"),
        ("needed", document["drawn"], "are drawn"),
        ("renew_days", document["valid_days"] - 1, "a certificate is good for"),
        ("warn_days", document["renew_days"], "before its end it can be renewed"),
    ):
        if document[name] > most:
            raise text.fault(f"{name} is more than {what} ({most}).", name, remedy="Write a smaller number.")
    questions = tuple(
        Question(one["id"], one["ask"], (one["right"], *one["wrong"]), one["why"])
        for one in document["questions"]
    )
    rules = {name: int(document[name]) for name in RULES}
    return Course(
        id=document["course"],
        title=document["title"],
        questions=questions,
        sha256=sha256(written.encode()).hexdigest(),
        **rules,
    )


RULES = (
    "version",
    "drawn",
    "needed",
    "attempts_a_day",
    "minutes",
    "valid_days",
    "renew_days",
    "warn_days",
)
