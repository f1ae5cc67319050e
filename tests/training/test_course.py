"""The vault draws and marks; nothing tells the right options before; a certificate counts until its end."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from sandbox.audit import Log, Signer
from sandbox.audit.receipts import VerifiedReceipt, verify_receipt
from sandbox.errors import CihuError, Conflict, Forbidden, InvalidInput, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.notices.tables import notices
from sandbox.policy import PolicyFaults
from sandbox.training import attempts, certificates
from sandbox.training.certificates import find_valid, warn_of_certificates
from sandbox.training.context import TrainingContext
from sandbox.training.course import read_course
from sandbox.training.schemas import CourseAttempt, OwnCertificate
from story import POLICIES, Story
from training_story import COURSE, answers_to, pass_test, training_of


@dataclass
class Training:
    story: Story
    log: Log
    now: datetime = field(default_factory=lambda: datetime(2027, 3, 1, 9, tzinfo=UTC))

    @property
    def context(self) -> TrainingContext:
        return training_of(self.story, lambda: self.now)

    @property
    def wang(self) -> Principal:
        return self.story.principal("wang")

    def proven(self, certificate: OwnCertificate) -> VerifiedReceipt:
        receipt = json.loads(json.dumps(certificate["receipt"], default=str))
        return verify_receipt(receipt, self.log.public_key)

    def begin(self) -> CourseAttempt:
        return attempts.begin(self.context, self.wang)

    def answer(self, attempt: CourseAttempt, answers: dict[str, int]) -> CourseAttempt:
        return attempts.answer(self.context, self.log, self.wang, attempt["id"], answers)


@pytest.fixture
def training(story: Story, tmp_path: Path) -> Training:
    return Training(story, Log(story.database, Signer(tmp_path / "log")))


def refused(deed: Callable[[], object], code: str, kind: type[CihuError] = CihuError) -> None:
    with pytest.raises(kind) as told:
        deed()
    assert told.value.code == code
    assert told.value.zh and told.value.remedy and told.value.remedy_zh


def test_an_attempt_says_nothing_of_what_is_right_until_it_is_marked(training: Training) -> None:
    """What is shown has the texts that everybody reads, numbered as they stand; the order is drawn anew."""
    places = set()
    for _ in range(COURSE.attempts_a_day):
        attempt = training.begin()
        assert training.begin() == attempt, "while it can be answered it is the same attempt"
        assert attempts.read(training.context, training.log, training.wang, attempt["id"]) == attempt
        assert len({question["id"] for question in attempt["questions"]}) == COURSE.drawn
        for question in attempt["questions"]:
            assert question.keys() == {"id", "ask", "options"}
            options = question["options"]
            assert [one["number"] for one in options] == list(range(1, len(options) + 1))
            assert all(one.keys() == {"number", "text"} for one in options)
            assert {one["text"]["en"] for one in options} == {
                each["en"] for each in COURSE.by_id[question["id"]].options
            }
        right = answers_to(attempt)
        places |= set(right.values())
        marked = training.answer(attempt, answers_to(attempt, wrong=2))
        assert (marked["state"], marked["right"]) == ("failed", COURSE.drawn - 2)
        assert {one["id"]: one["right"] for one in marked["questions"]} == right
        assert all(one["why"]["zh"] for one in marked["questions"])
        refused(lambda: training.answer(attempt, right), "course_attempt_marked", Conflict)  # noqa: B023
    assert len(places) > 1, "the right option has no place of its own"
    refused(training.begin, "course_attempts_used", TooMany)
    assert attempts.describe(training.context, training.wang)["attempts_left"] == 0
    training.now += timedelta(days=1)
    assert training.begin()["state"] == "open"


def test_nobody_has_more_attempts_by_beginning_at_once(training: Training) -> None:
    for _ in range(COURSE.attempts_a_day):
        with ThreadPoolExecutor(4) as pool:
            begun = list(pool.map(lambda _: training.begin()["id"], range(4)))
        assert len(set(begun)) == 1
        attempt = attempts.read(training.context, training.log, training.wang, begun[0])
        training.answer(attempt, answers_to(attempt, wrong=COURSE.drawn))
    refused(training.begin, "course_attempts_used", TooMany)


def test_who_passes_has_a_certificate_that_anybody_can_verify(training: Training) -> None:
    story, wang, context = training.story, training.wang, training.context
    attempt = training.begin()
    for answers in ({}, answers_to(attempt) | {"other": 1}, dict.fromkeys(answers_to(attempt), 20)):
        refused(lambda: training.answer(attempt, answers), "course_answers_incomplete", InvalidInput)  # noqa: B023
    stranger = story.principal("li")
    refused(
        lambda: attempts.answer(context, training.log, stranger, attempt["id"], answers_to(attempt)),
        "course_attempt_not_found",
        NotFound,
    )
    passed = training.answer(attempt, answers_to(attempt, wrong=COURSE.drawn - COURSE.needed))
    certificate = passed["certificate"]
    assert passed["state"] == "passed" and certificate["issued_by"] == "vault"
    assert certificates.list_own(context, training.log, wang) == [certificate]
    proven = training.proven(certificate)
    assert proven.kind == "certificate.earned" and proven.payload is not None
    assert proven.payload["expires_at"] == certificate["expires_at"].isoformat()
    assert (proven.payload["course"], proven.payload["holder"]) == (COURSE.id, wang.display_name)
    refused(training.begin, "certificate_still_good", Conflict)
    training.now = attempts.describe(context, wang)["test_from"]
    assert training.begin()["state"] == "open", "it can be renewed before it ends"


def test_a_certificate_counts_until_its_end_and_its_holder_is_told_before(training: Training) -> None:
    context = training.context
    certificate = pass_test(context, training.log, training.wang)["certificate"]
    ends = certificate["expires_at"]
    assert ends - training.now == timedelta(days=COURSE.valid_days)

    def told() -> list[str]:
        warn_of_certificates(context)
        with training.story.database.transaction() as tx:
            expiring = notices.c.event == "certificate.expiring"
            return list(tx.scalars(select(notices.c.audience).where(expiring)))

    assert told() == []
    training.now = ends - timedelta(days=COURSE.warn_days)
    assert told() == told() == ["person:wang"]
    for training.now, valid in ((ends - timedelta(seconds=1), True), (ends, False)):
        with training.story.database.transaction() as tx:
            assert (find_valid(tx, "wang", COURSE.id, training.now) is not None) is valid
    assert "test_from" not in attempts.describe(context, training.wang)


def test_an_attempt_has_its_time_and_the_text_that_it_was_drawn_from(training: Training) -> None:
    attempt = training.begin()
    changed = replace(training.context, course=replace(COURSE, sha256="0" * 64))
    refused(
        lambda: attempts.answer(changed, training.log, training.wang, attempt["id"], answers_to(attempt)),
        "course_changed",
    )
    assert attempts.begin(changed, training.wang)["id"] != attempt["id"]
    assert attempts.describe(changed, training.wang)["attempts_left"] == COURSE.attempts_a_day - 1
    attempt = training.begin()
    training.now += timedelta(minutes=COURSE.minutes)
    refused(lambda: training.answer(attempt, answers_to(attempt)), "course_attempt_run_out", Conflict)
    another = training.begin()
    assert another["id"] != attempt["id"]
    assert attempts.read(training.context, training.log, training.wang, attempt["id"])["state"] == "run_out"
    assert attempts.describe(training.context, training.wang)["attempts_left"] == COURSE.attempts_a_day - 2


def test_an_officer_certifies_others_for_a_day_to_come(training: Training) -> None:
    issue = lambda officer, person, days: certificates.issue_by_officer(  # noqa: E731
        training.context,
        training.story.principal(officer),
        person=person,
        course="first-aid",
        expires_at=training.now + timedelta(days=days),
    )
    refused(lambda: issue("lin", "wang", -1), "bad_expiry")
    refused(lambda: issue("lin", "lin", 1), "own_certificate", Forbidden)
    refused(lambda: issue("lin", "nobody", 1), "account_not_found", NotFound)
    with pytest.raises(Forbidden):
        issue("wang", "li", 1)
    issue("lin", "wang", 1)
    [own] = certificates.list_own(training.context, training.log, training.wang)
    assert training.proven(own).kind == "certificate.issued"


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ("needed: 7 ", "needed: 9 ", "needed is more"),
        ("drawn: 8 ", "drawn: 40 ", "drawn is more"),
        ("id: who_sees_rows", "id: stand_in_rows", "twice"),
        ("attempts_a_day: 3", "attempts_a_day: many", "attempts_a_day"),
    ],
)
def test_a_course_that_cannot_be_held_is_told_with_its_line(
    tmp_path: Path, line: str, instead: str, said: str
) -> None:
    written = (POLICIES / "course.yaml").read_text("utf-8")
    assert line in written
    (tmp_path / "course.yaml").write_text(written.replace(line, instead), "utf-8")
    (tmp_path / "course.schema.json").write_text((POLICIES / "course.schema.json").read_text("utf-8"))
    with pytest.raises((PolicyFaults, InvalidInput), match=said):
        read_course(tmp_path)
