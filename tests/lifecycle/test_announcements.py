"""A version that breaks questions is announced before it is published, while somebody has a grant."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lifecycle_story import NOTICE_DAYS, lifecycle_of, publish_with
from sandbox.catalog.tables import announced_versions
from sandbox.city_time import city_date
from sandbox.errors import Conflict, Forbidden, InvalidInput
from sandbox.lifecycle.announcements import announce, announcements_for, announcements_of, take_back
from story import POLICY, Story

NAME = "clinic.visits"
LOW = POLICY.replace('grade: "4"', 'grade: "3"')
COST = '  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}\n'
NOTE = "  note: {role: attribute, type: text}\n"
WITHOUT_COST = LOW.replace(COST, "").replace("columns:\n", "dropped_columns: [cost]\ncolumns:\n")
WITHOUT_MORE = WITHOUT_COST.replace(NOTE, "").replace("[cost]", "[cost, note]")
WIDER = LOW.replace("[north, south, east]", "[north, south, east, west]")


def in_time() -> date:
    """The first day of which one who asks today tells in time."""
    return city_date(datetime.now(UTC)) + timedelta(days=NOTICE_DAYS)


def told(story: Story, policy: str = WITHOUT_COST, who: str = "lin", day: Any = None) -> Any:
    return announce(
        lifecycle_of(story),
        story.principal(who),
        NAME,
        policy_text=policy,
        first_day=day or in_time(),
        notes="cost comes from another source",
    )


def let_the_day_come(story: Story) -> None:
    with story.database.transaction() as tx:
        tx.execute(update(announced_versions).values(takes_effect=datetime.now(UTC)))


def test_a_breaking_version_waits_for_its_announced_day(story: Story) -> None:
    publish_with(story, policy=LOW)
    publish_with(story, policy=WITHOUT_COST)  # nobody has a grant yet
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    publish_with(story, policy=WIDER), publish_with(story, policy=WIDER)  # breaks nothing
    with pytest.raises(Conflict) as sudden:
        publish_with(story, policy=WITHOUT_COST)
    assert sudden.value.code == "not_announced" and sudden.value.zh and sudden.value.remedy_zh
    announced = told(story)
    assert announced["effect"] == "breaking"
    assert "column_removed" in {change["kind"] for change in announced["changes"]}
    with pytest.raises(Conflict) as early:
        publish_with(story, policy=WITHOUT_COST)
    assert in_time().isoformat() in early.value.message
    [seen] = announcements_for(lifecycle_of(story), story.principal("wang"))
    assert seen["note"] == "cost comes from another source" and seen["kind"] == "coming_version"
    assert announcements_for(lifecycle_of(story), story.principal("li")) == [], (
        "who has no grant is not called"
    )
    let_the_day_come(story)
    with pytest.raises(Conflict):
        publish_with(story, policy=WITHOUT_MORE)  # breaks more than was announced
    published = publish_with(story, policy=WITHOUT_COST).version
    assert announcements_of(lifecycle_of(story), story.principal("wang"), NAME) == []
    assert story.repository.current(NAME).number == published.number


def test_a_version_that_takes_nothing_away_leaves_the_announcement_open(story: Story) -> None:
    """Before its day the same version is published again, with other rows: what is announced is to come."""
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    told(story)
    publish_with(story, policy=LOW)
    assert len(announcements_of(lifecycle_of(story), story.principal("wang"), NAME)) == 1
    let_the_day_come(story)
    publish_with(story, policy=WITHOUT_COST)
    assert announcements_of(lifecycle_of(story), story.principal("wang"), NAME) == []


def test_urgent_says_why(story: Story) -> None:
    publish_with(story, policy=LOW)
    story.grant(epsilon="1")
    with pytest.raises(Conflict):
        publish_with(story, policy=WITHOUT_COST, urgent="  ")
    assert publish_with(story, policy=WITHOUT_COST, urgent="cost held names").version.number == 2


def test_an_announcement_gives_the_time_that_is_due(story: Story) -> None:
    publish_with(story, policy=LOW)
    told(story, day=city_date(datetime.now(UTC)))  # nobody uses it
    story.grant(epsilon="1")
    with pytest.raises(Conflict) as soon:
        told(story, day=in_time() - timedelta(days=1))
    assert soon.value.code == "too_soon"
    with pytest.raises(InvalidInput):
        told(story, policy=LOW.replace(NAME, "clinic.other"))
    for stranger in ("zhou", "wang"):
        with pytest.raises(Forbidden):
            told(story, who=stranger)
        with pytest.raises(Forbidden):
            take_back(lifecycle_of(story), story.principal(stranger), NAME, 1)
    announced = told(story, WITHOUT_MORE)
    take_back(lifecycle_of(story), story.principal("lin"), NAME, announced["id"])
    let_the_day_come(story)
    with pytest.raises(Conflict):
        publish_with(story, policy=WITHOUT_MORE)
