"""What the operations on pushes answer with."""

from datetime import datetime
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from sandbox.api_schema import Words

Mode = Literal["replace", "append"]
PushState = Literal["open", "waiting", "published", "refused", "abandoned", "expired", "complete"]


class BatchDocument(TypedDict):
    """A batch that was taken. `notes`: what was done to its cells as they were read."""

    number: int
    rows: int
    bytes: int
    sha256: str
    notes: list[str]


class PushBatchDocument(TypedDict):
    """A batch of a push as officers see it. `removed`: its rows became a version, or the push ended. `notes`
    are for the officer who answers for the push: they count cells."""

    number: int
    rows: int
    bytes: int
    removed: bool
    notes: NotRequired[list[str]]


class PushDocument(TypedDict):
    """Rows on their way to the next version. `batches`, `rows` and `bytes` are of this push alone. Why it was
    refused is told to the officer who answers for it, since a reason may count cells of others' rows. Of data
    about people a machine is told `complete`, whatever became of it: that may depend on others' rows, too."""

    id: str
    dataset: str
    mode: Mode
    state: PushState
    opened_at: datetime
    expires_at: NotRequired[datetime]
    ended_at: NotRequired[datetime]
    name: NotRequired[str]
    batches: int
    rows: int
    bytes: int
    officer: NotRequired[str]
    second_person: NotRequired[str]
    credential: NotRequired[int]
    version: NotRequired[int]
    code: NotRequired[str]
    message: NotRequired[str]
    remedy: NotRequired[str]
    message_zh: NotRequired[str]
    remedy_zh: NotRequired[str]


class PushCredentialDocument(TypedDict):
    """A credential with which a machine pushes rows into one dataset, and can do nothing else. `revision`: to
    which a second officer agrees. `warning`: of data about people, what agreeing lets happen."""

    id: int
    dataset: str
    label: str
    mode: Mode
    state: Literal["waiting", "active", "suspended", "revoked", "expired"]
    revision: int
    warning: NotRequired[Words]
    issued_by: str
    issued_at: datetime
    expires_at: datetime
    second_person: NotRequired[str]
    suspended: NotRequired[Words]


class IssuedCredentialDocument(PushCredentialDocument):
    """`secret` is shown this once: its hash alone is stored."""

    secret: str
