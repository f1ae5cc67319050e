"""What the operations on running the service take and answer with."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from sandbox.api_schema import Words
from sandbox.operations.announcements import Audience
from sandbox.operations.backups import What
from sandbox.operations.maintenance import LONGEST_TEXT
from sandbox.plain_text import PlainText

Text = Annotated[PlainText, Field(min_length=1, max_length=LONGEST_TEXT)]
State = Literal["ok", "warning", "bad", "unknown"]


class NewMaintenance(BaseModel):
    """`starts_at`: now, where it is left out. The text says why, in Chinese and in English."""

    model_config = ConfigDict(extra="forbid")

    text_zh: Text
    text_en: Text
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime


class MaintenanceDocument(TypedDict):
    """A time in which nothing can be changed. `state`: `coming`, `now` or `over`."""

    id: int
    text: Words
    starts_at: datetime
    ends_at: datetime
    set_by: str
    state: Literal["coming", "now", "over"]


class MaintenanceList(TypedDict):
    maintenance: list[MaintenanceDocument]


class NewAnnouncement(BaseModel):
    """`starts_at`: now, where it is left out. `audience`: who sees it on every page."""

    model_config = ConfigDict(extra="forbid")

    text_zh: Text
    text_en: Text
    audience: Audience = "all"
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime


class AnnouncementDocument(TypedDict):
    """A text that pages show for a time."""

    id: int
    text: Words
    audience: Audience
    starts_at: datetime
    ends_at: datetime
    made_by: str
    state: Literal["coming", "now", "over", "withdrawn"]


class AnnouncementList(TypedDict):
    announcements: list[AnnouncementDocument]


class NewBackup(BaseModel):
    """A backup that was made. `label`: its name where it is kept; sent again with `verified_at`, it says that
    this backup was restored elsewhere and looked at."""

    model_config = ConfigDict(extra="forbid")

    what: What
    label: Annotated[PlainText, Field(min_length=1, max_length=200)]
    made_at: AwareDatetime
    verified_at: AwareDatetime | None = None


class BackupDocument(TypedDict):
    what: What
    label: str
    made_at: datetime
    verified_at: datetime | None
    recorded_by: str


class PartHealth(TypedDict):
    """A part of the service, or something that it needs. `version` where the part says it."""

    name: str
    state: State
    version: NotRequired[str]
    remedy: NotRequired[Words]


class QueueHealth(TypedDict):
    """How much waits."""

    name: str
    waiting: int


class DiskHealth(TypedDict):
    name: str
    free_bytes: int
    bytes: int
    state: State
    remedy: NotRequired[Words]


class FailureHealth(TypedDict):
    """How often something failed in the last seven days, by its kind in the log."""

    kind: str
    times: int


class CertificateHealth(TypedDict):
    """Of an address over HTTPS. `expires_at` is null where it could not be read."""

    name: str
    expires_at: datetime | None
    state: State
    remedy: NotRequired[Words]


class BackupHealth(TypedDict):
    """The newest backup of one thing, and when one of it was verified last."""

    what: What
    made_at: datetime | None
    verified_at: datetime | None
    state: State
    remedy: NotRequired[Words]


class HealthDocument(TypedDict):
    """The health of every part. `state` is the worst of all. Nothing of data is in it."""

    as_of: datetime
    state: State
    parts: list[PartHealth]
    queues: list[QueueHealth]
    disks: list[DiskHealth]
    failures: list[FailureHealth]
    certificates: list[CertificateHealth]
    backups: list[BackupHealth]
    maintenance: list[MaintenanceDocument]
