"""Taking the course's test as somebody who knows the answers, which a test reads from the file."""

from collections.abc import Callable
from datetime import datetime

from sandbox.audit import Log
from sandbox.identity import Principal
from sandbox.training import attempts
from sandbox.training.context import TrainingContext
from sandbox.training.course import read_course
from sandbox.training.schemas import CourseAttempt
from story import POLICIES, Story

COURSE = read_course(POLICIES)


def training_of(story: Story, clock: Callable[[], datetime]) -> TrainingContext:
    return TrainingContext(story.database, story.gate, COURSE, clock)


def answers_to(attempt: CourseAttempt, *, wrong: int = 0) -> dict[str, int]:
    """The numbers of the right options, but `wrong` of them."""
    chosen = {}
    for place, question in enumerate(attempt["questions"]):
        right = COURSE.by_id[question["id"]].options[0]
        chosen[question["id"]] = next(
            option["number"] for option in question["options"] if (option["text"] == right) != (place < wrong)
        )
    return chosen


def pass_test(context: TrainingContext, log: Log, person: Principal) -> CourseAttempt:
    attempt = attempts.begin(context, person)
    return attempts.answer(context, log, person, attempt["id"], answers_to(attempt))
