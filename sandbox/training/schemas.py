"""What the training operations answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.audit.schemas import Receipt


class TrainingCertificate(TypedDict):
    """A training certificate of a person. It counts until `expires_at`."""

    person: str
    course: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime


class OwnCertificate(TrainingCertificate):
    """`receipt` proves it to anybody. Certificates from before receipts were kept have none."""

    receipt: NotRequired[Receipt]


class CourseDocument(TypedDict):
    """The course, the rules of its test, and where the caller stands. `open_attempt`: one that was begun and
    can still be answered. `test_from`: the caller's certificate is good for so long that the test can be
    taken again only then."""

    course: str
    version: int
    title: Words
    questions: int
    needed: int
    minutes: int
    attempts_a_day: int
    attempts_left: int
    valid_days: int
    open_attempt: NotRequired[int]
    test_from: NotRequired[datetime]


class CourseOption(TypedDict):
    """`number`: what is sent as the answer."""

    number: int
    text: Words


class CourseQuestion(TypedDict):
    """`chosen`, `right`: numbers of options, and `why` the right one is right, once the attempt is marked."""

    id: str
    ask: Words
    options: list[CourseOption]
    chosen: NotRequired[int]
    right: NotRequired[int]
    why: NotRequired[Words]


class CourseAttempt(TypedDict):
    """An attempt at the test. `right`: how many answers were right, once it is marked. `questions` is empty
    where the course was changed since."""

    id: int
    course: str
    state: Literal["open", "passed", "failed", "run_out"]
    begun_at: datetime
    ends_at: datetime
    needed: int
    questions: list[CourseQuestion]
    right: NotRequired[int]
    certificate: NotRequired[OwnCertificate]
