"""A small city in which versions are held until their review is decided."""

from collections.abc import Sequence
from typing import Any

from lifecycle_story import NOTICE_DAYS
from sandbox.catalog.notice import NoticeRule
from sandbox.catalog.opening import OpeningAnswers
from sandbox.catalog.publish import Published, publish
from sandbox.lifecycle.context import has_live_grants
from sandbox.openings.context import OpeningContext
from sandbox.openings.openings import GivenAnswer
from sandbox.openings.schemas import OpeningDocument
from story import POLICY, Story, rows_csv


def openings_of(story: Story, opened: list[str] | None = None) -> OpeningContext:
    """`opened` gets the name of each version that opens."""
    return OpeningContext(
        story.database,
        story.repository,
        story.gate,
        story.populations,
        NoticeRule(NOTICE_DAYS, has_live_grants),
        lambda _officer, version: (opened if opened is not None else []).append(version.name),
    )


def held_publish(story: Story, policy: str = POLICY, confirmed: Sequence[str] = (), **more: Any) -> Published:
    return publish(
        story.database,
        repository=story.repository,
        store=story.store,
        gate=story.gate,
        populations=story.populations,
        officer=story.principal("lin"),
        policy_text=policy,
        body=rows_csv(40),
        opening=OpeningAnswers(frozenset(confirmed), more.pop("agreed_by", None)),
        **more,
    )


def yes_to(review: OpeningDocument) -> list[GivenAnswer]:
    """To everything that is asked of whoever read it."""
    return [
        GivenAnswer(item["id"], yes=True, note="as it should be") for item in review["items"] if item["yours"]
    ]
