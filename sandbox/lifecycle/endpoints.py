"""The life of datasets over HTTP: announcements for all, and the steps that officers take."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.api_schema import answers
from sandbox.catalog.notice import LONGEST_NOTES
from sandbox.identity import Principal
from sandbox.lifecycle import announcements, steps
from sandbox.lifecycle.context import LifecycleContext
from sandbox.lifecycle.erase import finish_erasures
from sandbox.lifecycle.schemas import AnnouncementDocument, StepDocument, StepKind
from sandbox.plain_text import ExactText, PlainText

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
Note = Annotated[PlainText, Field(max_length=LONGEST_NOTES)]
MOST_CHARACTERS = 50_000


class Announcement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    policy: Annotated[ExactText, Field(max_length=MOST_CHARACTERS, description="of the coming version, YAML")]
    first_day: Day = Field(description="from this day on the version may be published")
    notes: Note = ""


class NewStep(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: StepKind
    reason: Note = Field(description="those who use the dataset read it")
    version: Number | None = Field(default=None, description="which one is withdrawn")
    last_day: Day | None = Field(default=None, description="of a dataset that retires")


def reading(context: LifecycleContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """What anybody who is logged in may read; also served to kernels."""
    api = APIRouter(prefix="/v1", tags=["datasets"])
    Asker = Annotated[Principal, Depends(authenticate)]

    @api.get(
        "/announcements",
        operation_id="list_my_announcements",
        summary="What is announced of the datasets that you use",
        responses=answers(list[AnnouncementDocument]),
    )
    def mine(asker: Asker) -> list[AnnouncementDocument]:
        """Of every dataset on which a team of yours has a live grant; for officers, of their department's:
        coming versions, versions withdrawn, retirements, erasures. The newest first."""
        return announcements.announcements_for(context, asker)

    @api.get(
        "/datasets/{name}/announcements",
        operation_id="list_announcements",
        summary="What is announced of a dataset",
        responses=answers(list[AnnouncementDocument], 403, 404),
    )
    def of_dataset(asker: Asker, name: str) -> list[AnnouncementDocument]:
        """Coming versions with what they change, versions withdrawn, retirement, erasure."""
        return announcements.announcements_of(context, asker, name)

    return api


def writing(context: LifecycleContext, *, authenticate: Callable[..., Principal]) -> APIRouter:
    """What officers do."""
    api = APIRouter(prefix="/v1/datasets/{name}", tags=["datasets"])
    Officer = Annotated[Principal, Depends(authenticate)]

    @api.post(
        "/announcements",
        status_code=201,
        operation_id="announce_version",
        summary="Announce a coming version",
        responses=answers(AnnouncementDocument, 403, 404, 409, status=201),
    )
    def announce(officer: Officer, name: str, new: Announcement) -> AnnouncementDocument:
        """Tell those who use a dataset what its next version changes, and from which day on. A version that
        breaks nothing that the announced policy keeps may be published from then on."""
        return announcements.announce(
            context, officer, name, policy_text=new.policy, first_day=new.first_day, notes=new.notes
        )

    @api.delete(
        "/announcements/{id}",
        status_code=204,
        operation_id="drop_announcement",
        summary="Take an announcement back",
        responses=answers(None, 403, 404, status=204),
    )
    def take_back(officer: Officer, name: str, id: Number) -> Response:
        """The version does not come after all."""
        announcements.take_back(context, officer, name, id)
        return Response(status_code=204)

    @api.get(
        "/lifecycle",
        operation_id="list_lifecycle_steps",
        summary="The steps that end a dataset or a version",
        responses=answers(list[StepDocument], 403, 404),
    )
    def list_steps(officer: Officer, name: str) -> list[StepDocument]:
        """For the officers of its department, the newest first."""
        return steps.list_steps(context, officer, name)

    @api.post(
        "/lifecycle",
        status_code=201,
        operation_id="begin_lifecycle_step",
        summary="Withdraw a version, retire or erase a dataset",
        responses=answers(StepDocument, 403, 404, 409, status=201),
    )
    def begin(officer: Officer, name: str, new: NewStep) -> StepDocument:
        """`withdraw`: questions use the version before; answers that were given stay. `retire`: nobody asks,
        runs or gets a grant after the last day. `erase`: the stored rows are deleted; policies, log and what
        was lost stay, and the name is not used again. From grade 4 on it waits for a second officer."""
        done = steps.propose(
            context,
            officer,
            name,
            new.kind,
            reason=new.reason,
            version=new.version,
            last_day=new.last_day,
        )
        return erased(officer, name, done)

    @api.post(
        "/lifecycle/{id}/agree",
        operation_id="agree_to_lifecycle_step",
        summary="Agree to a step as the second officer",
        responses=answers(StepDocument, 403, 404, 409),
    )
    def agree(officer: Officer, name: str, id: Number) -> StepDocument:
        """The step is done then."""
        return erased(officer, name, steps.agree(context, officer, name, id))

    @api.delete(
        "/lifecycle/{id}",
        status_code=204,
        operation_id="drop_lifecycle_step",
        summary="Take a step back",
        responses=answers(None, 403, 404, 409, status=204),
    )
    def drop(officer: Officer, name: str, id: Number) -> Response:
        """One that waits for a second officer; or a retirement before its day."""
        steps.drop(context, officer, name, id)
        return Response(status_code=204)

    def erased(officer: Principal, name: str, done: StepDocument) -> StepDocument:
        """An erasure goes on at once; what cannot be removed now is removed later."""
        if done["state"] != "erasing":
            return done
        finish_erasures(context)
        return next(step for step in steps.list_steps(context, officer, name) if step["id"] == done["id"])

    return api
