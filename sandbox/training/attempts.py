"""Attempts at the test: questions are drawn, answers are marked, and whoever passes is certified.

Options are shuffled for each attempt and numbered as they are shown. Which one is right stays here until the
attempt is marked.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update

from sandbox.audit import Event, Log, append
from sandbox.city_time import city_date
from sandbox.database import Transaction, lock_name
from sandbox.errors import Conflict, InvalidInput, NotFound, TooMany
from sandbox.identity import Principal
from sandbox.policy import Resource
from sandbox.training.certificates import VAULT, find_valid, with_receipt, write
from sandbox.training.context import TrainingContext
from sandbox.training.schemas import CourseAttempt, CourseDocument, CourseOption, CourseQuestion
from sandbox.training.tables import course_attempts

State = Literal["open", "passed", "failed", "run_out"]
RIGHT = 0
"""Where the right option stands in the file's list."""


def describe(context: TrainingContext, person: Principal) -> CourseDocument:
    """The course, and where somebody stands."""
    course, now = context.course, context.clock()
    _require_person(context, person)
    with context.database.transaction() as tx:
        left = course.attempts_a_day - _attempts_of_day(tx, context, person, now)
        found = CourseDocument(
            course=course.id,
            version=course.version,
            title=course.title,
            questions=course.drawn,
            needed=course.needed,
            minutes=course.minutes,
            attempts_a_day=course.attempts_a_day,
            attempts_left=max(left, 0),
            valid_days=course.valid_days,
        )
        opened = _open_attempt(tx, context, person)
        if opened is not None and _state(opened, now) == "open" and opened.course_sha256 == course.sha256:
            found["open_attempt"] = opened.id
        again = _test_from(tx, context, person, now)
    if again is not None:
        found["test_from"] = again
    return found


def begin(context: TrainingContext, person: Principal) -> CourseAttempt:
    """Draw questions; asked for again while one can be answered, it is the same attempt. Raises `TooMany` for
    one more than a day has, `Conflict` while the certificate is good for long."""
    course, now = context.course, context.clock()
    _require_person(context, person)
    with context.database.transaction() as tx:
        lock_name(tx, f"training.attempts {person.id}")
        _end_others(tx, context, person, now)
        opened = _open_attempt(tx, context, person)
        if opened is None:
            _require_due(tx, context, person, now)
            number = _attempts_of_day(tx, context, person, now) + 1
            if number <= course.attempts_a_day:
                values = {
                    "person": person.id,
                    "course": course.id,
                    "course_sha256": course.sha256,
                    "day": city_date(now),
                    "number": number,
                    "drawn": _draw(context),
                    "begun_at": now,
                    "ends_at": now + timedelta(minutes=course.minutes),
                }
                made = insert(course_attempts).values(values).returning(course_attempts)
                opened = tx.execute(made).one()
        if opened is None:
            raise TooMany(
                f"You have had all {course.attempts_a_day} attempts of today.",
                code="course_attempts_used",
                remedy="Read the course again, and come back tomorrow.",
                zh=f"今天的 {course.attempts_a_day} 次机会已用完。",
                remedy_zh="请再读一遍课程，明天再来。",
            )
        return _document(context, opened, now)


def read(context: TrainingContext, log: Log, person: Principal, id: int) -> CourseAttempt:
    """One's own attempt, marked or not. Raises `NotFound`."""
    with context.database.transaction() as tx:
        row = _own(tx, person, id)
        found = _document(context, row, context.clock())
        valid = find_valid(tx, person.id, row.course, context.clock()) if row.passed else None
    if valid is not None:
        found["certificate"] = with_receipt(valid, log)
    return found


def answer(
    context: TrainingContext, log: Log, person: Principal, id: int, answers: Mapping[str, int]
) -> CourseAttempt:
    """Mark an attempt, once, and certify whoever passed. Raises `NotFound`, `InvalidInput`, `Conflict`."""
    course, now = context.course, context.clock()
    _require_person(context, person)
    with context.database.transaction() as tx:
        row = _own(tx, person, id, lock=True)
        _require_answerable(context, row, now)
        _require_whole(row, answers)
        right = sum(one["options"][answers[one["id"]] - 1] == RIGHT for one in row.drawn)
        passed = right >= course.needed
        row = tx.execute(
            update(course_attempts)
            .where(course_attempts.c.id == id)
            .values(ended_at=now, chosen=dict(answers), passed=passed)
            .returning(course_attempts)
        ).one()
        if passed:
            expires_at = now + timedelta(days=course.valid_days)
            payload = {
                "course": course.id,
                "version": course.version,
                "course_sha256": course.sha256,
                "holder": person.display_name,
                "expires_at": expires_at.isoformat(),
            }
            index = append(tx, Event("certificate.earned", VAULT, f"account:{person.id}", payload))
            write(
                tx,
                person=person.id,
                course=course.id,
                by=VAULT,
                now=now,
                expires_at=expires_at,
                index=index,
            )
    return read(context, log, person, id)


def _require_person(context: TrainingContext, person: Principal) -> None:
    context.gate.require(person, "take_course", Resource("Course", context.course.id, {}))


def _draw(context: TrainingContext) -> list[dict[str, Any]]:
    """The questions of an attempt, with their options shuffled."""
    chance = secrets.SystemRandom()
    drawn = []
    for question in chance.sample(context.course.questions, context.course.drawn):
        options = list(range(len(question.options)))
        chance.shuffle(options)
        drawn.append({"id": question.id, "options": options})
    return drawn


def _attempts_of_day(tx: Transaction, context: TrainingContext, person: Principal, now: datetime) -> int:
    wanted = select(func.count()).where(
        course_attempts.c.person == person.id,
        course_attempts.c.course == context.course.id,
        course_attempts.c.day == city_date(now),
    )
    return tx.scalar(wanted) or 0


def _open_attempt(tx: Transaction, context: TrainingContext, person: Principal) -> Row[Any] | None:
    """That was not ended; its time may be over."""
    return tx.execute(
        select(course_attempts).where(
            course_attempts.c.person == person.id,
            course_attempts.c.course == context.course.id,
            course_attempts.c.ended_at.is_(None),
        )
    ).first()


def _end_others(tx: Transaction, context: TrainingContext, person: Principal, now: datetime) -> None:
    """End an attempt whose time is over; one of questions that were changed since never was."""
    mine = (
        course_attempts.c.person == person.id,
        course_attempts.c.course == context.course.id,
        course_attempts.c.ended_at.is_(None),
    )
    tx.execute(delete(course_attempts).where(*mine, course_attempts.c.course_sha256 != context.course.sha256))
    tx.execute(
        update(course_attempts)
        .where(*mine, course_attempts.c.ends_at <= now)
        .values(ended_at=course_attempts.c.ends_at, passed=False)
    )


def _test_from(
    tx: Transaction, context: TrainingContext, person: Principal, now: datetime
) -> datetime | None:
    """When the test can be taken again, while that is to come."""
    valid = find_valid(tx, person.id, context.course.id, now)
    if valid is None:
        return None
    again: datetime = valid.expires_at - timedelta(days=context.course.renew_days)
    return again if again > now else None


def _require_due(tx: Transaction, context: TrainingContext, person: Principal, now: datetime) -> None:
    again = _test_from(tx, context, person, now)
    if again is not None:
        day = city_date(again).isoformat()
        raise Conflict(
            f"Your certificate is good, and can be renewed from {day} on.",
            code="certificate_still_good",
            remedy="You need nothing more until then.",
            zh=f"您的证书仍然有效，自 {day} 起可以续期。",
            remedy_zh="在此之前无须再参加测试。",
        )


def _own(tx: Transaction, person: Principal, id: int, *, lock: bool = False) -> Row[Any]:
    wanted = select(course_attempts).where(course_attempts.c.id == id, course_attempts.c.person == person.id)
    row = tx.execute(wanted.with_for_update() if lock else wanted).first()
    if row is None:
        raise NotFound(
            f"You have no attempt {id}.",
            code="course_attempt_not_found",
            remedy="Begin one: cihu course begin.",
            zh=f"您没有编号为 {id} 的测试。",
            remedy_zh="可以开始一次测试：cihu course begin。",
        )
    return row


def _require_answerable(context: TrainingContext, row: Row[Any], now: datetime) -> None:
    """Raises `Conflict`."""
    if _state(row, now) == "run_out":
        raise Conflict(
            f"The {context.course.minutes} minutes of this attempt are over.",
            code="course_attempt_run_out",
            remedy="Begin another attempt.",
            zh=f"这次测试的 {context.course.minutes} 分钟已用完。",
            remedy_zh="请重新开始一次测试。",
        )
    if row.ended_at is not None:
        raise Conflict(
            "This attempt was marked already.",
            code="course_attempt_marked",
            remedy="Look at its outcome, or begin another attempt.",
            zh="这次测试已经评分。",
            remedy_zh="请查看结果，或重新开始一次测试。",
        )
    if row.course_sha256 != context.course.sha256:
        raise Conflict(
            "The course was changed since this attempt began.",
            code="course_changed",
            remedy="Begin another attempt; this one counts for nothing.",
            zh="这次测试开始之后课程已更新。",
            remedy_zh="请重新开始一次测试；这次不计入次数。",
        )


def _require_whole(row: Row[Any], answers: Mapping[str, int]) -> None:
    """Raises `InvalidInput` unless each question has one of its options."""
    given = {one["id"]: answers.get(one["id"], 0) for one in row.drawn}
    known = all(1 <= given[one["id"]] <= len(one["options"]) for one in row.drawn)
    if not known or answers.keys() != given.keys():
        raise InvalidInput(
            "Each question needs one of its options, and nothing else has an answer.",
            code="course_answers_incomplete",
            remedy="Choose one option for every question.",
            zh="每道题都须选择一个选项，且不得有其他答案。",
            remedy_zh="请为每道题选择一个选项。",
        )


def _state(row: Row[Any], now: datetime) -> State:
    if row.chosen is not None:
        return "passed" if row.passed else "failed"
    return "open" if row.ended_at is None and now < row.ends_at else "run_out"


def _document(context: TrainingContext, row: Row[Any], now: datetime) -> CourseAttempt:
    """Nothing of it depends on which options are right unless the attempt is marked."""
    found = CourseAttempt(
        id=row.id,
        course=row.course,
        state=_state(row, now),
        begun_at=row.begun_at,
        ends_at=row.ends_at,
        needed=context.course.needed,
        questions=[],
    )
    if row.course_sha256 == context.course.sha256:
        found["questions"] = [_question(context, one, row.chosen) for one in row.drawn]
    if row.chosen is not None:
        found["right"] = sum(one["options"][row.chosen[one["id"]] - 1] == RIGHT for one in row.drawn)
    return found


def _question(
    context: TrainingContext, drawn: Mapping[str, Any], chosen: Mapping[str, int] | None
) -> CourseQuestion:
    question = context.course.by_id[drawn["id"]]
    shown = CourseQuestion(
        id=question.id,
        ask=question.ask,
        options=[
            CourseOption(number=number, text=question.options[option])
            for number, option in enumerate(drawn["options"], start=1)
        ],
    )
    if chosen is not None:
        shown["chosen"] = chosen[question.id]
        shown["right"] = drawn["options"].index(RIGHT) + 1
        shown["why"] = question.why
    return shown
