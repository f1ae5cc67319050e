"""Shows the safe-researcher course and its test. The vault draws the questions and marks the answers."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from cihu.messages import current, known, say
from cihu.problem import CihuError
from cihu.show import foot, page
from cihu.vault import the_vault

AT = "/v1/course"


class Lines:
    """What is shown as lines, the first of them as its head."""

    def _lines(self) -> list[str]:
        raise NotImplementedError

    def _repr_html_(self) -> str:
        head, *others = self._lines()
        return page(f"<strong>{escape(head)}</strong>", *map(foot, others))

    def __repr__(self) -> str:
        return "\n".join(self._lines())


class Attempt(Lines):
    """An attempt at the test: its questions, and its outcome once it is marked."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def state(self) -> str:
        """open, passed, failed or run_out."""
        return str(self.document["state"])

    @property
    def questions(self) -> list[dict[str, Any]]:
        return list(self.document["questions"])

    def answer(self, chosen: Sequence[int]) -> "Attempt":
        """The number of the option that you choose, for each question in order. It is marked once."""
        if len(chosen) != len(self.questions):
            raise CihuError(
                say("course_answers", questions=len(self.questions), given=len(chosen)),
                code="course_answers_incomplete",
                remedy=say("course_answers_remedy"),
            )
        answers = {one["id"]: number for one, number in zip(self.questions, chosen, strict=True)}
        marked = the_vault().post(f"{AT}/attempts/{self.document['id']}/answers", {"answers": answers})
        return Attempt(marked)

    def _lines(self) -> list[str]:
        document, language = self.document, current()
        lines = [say("course_attempt", id=document["id"], state=known(f"attempt.{self.state}", self.state))]
        if "right" in document:
            lines.append(say("course_right", right=document["right"], needed=document["needed"]))
        for place, question in enumerate(self.questions, start=1):
            if question.get("chosen", 0) == question.get("right"):
                continue  # it was right
            lines.append(f"{place}. {question['ask'][language]}")
            for option in question["options"]:
                mark = "✓" if option["number"] == question.get("right") else option["number"]
                lines.append(f"   {mark}  {option['text'][language]}")
            if "why" in question:
                lines.append(f"   {question['why'][language]}")
        if "certificate" in document:
            lines.append(say("certificate_until", day=document["certificate"]["expires_at"][:10]))
        elif self.state == "open":
            lines.append(say("course_how", questions=len(self.questions)))
        return lines


class Course(Lines):
    """The course: the rules of its test, and where you stand."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def begin(self) -> Attempt:
        """Begin an attempt; the one that is open, if there is one."""
        return Attempt(the_vault().post(f"{AT}/attempts", {}))

    @property
    def certificate(self) -> "Certificate | None":
        """Your certificate of this course, good or run out; None if there is none."""
        found = the_vault().get("/v1/certificates")
        return next((Certificate(one) for one in found if one["course"] == self.document["course"]), None)

    def _lines(self) -> list[str]:
        document = self.document
        names = ("questions", "needed", "minutes", "attempts_left", "valid_days")
        lines = [
            document["title"][current()],
            say("course_rules", **{name: document[name] for name in names}),
        ]
        if "test_from" in document:
            lines.append(say("course_test_from", day=document["test_from"][:10]))
        return lines


class Certificate(Lines):
    """A training certificate: until when it is good, and its receipt."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @property
    def receipt(self) -> dict[str, Any]:
        return dict(self.document.get("receipt") or {})

    def save_receipt(self, path: str | Path) -> Path:
        """Write the receipt as JSON; returns where. Anybody verifies it with `cihu audit verify`."""
        target = Path(path)
        target.write_text(json.dumps(self.receipt, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
        return target

    def _lines(self) -> list[str]:
        return [self.document["course"], say("certificate_until", day=self.document["expires_at"][:10])]


def read_course() -> Course:
    return Course(the_vault().get(AT))
