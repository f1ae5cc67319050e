"""Counts what happened in a competition, for its organiser: teams, and entries by track, day and state.

Counts of entries are in the public log as well; nothing here depends on what an entry did with rows.
"""

from collections import Counter

from sqlalchemy import func, select

from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.record import document_of
from sandbox.competitions.schemas import CompetitionStatistics, DayOfEntries, TrackStatistics
from sandbox.competitions.tables import (
    competition_appeals,
    competition_entries,
    competition_members,
    competition_teams,
)
from sandbox.identity import Principal


def read_statistics(context: CompetitionContext, officer: Principal, name: str) -> CompetitionStatistics:
    """For officers of the organiser. Days are those of the competition's zone. Raises `NotFound`."""
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        document = document_of(row.text)
        teams = Counter(
            tx.scalars(select(competition_teams.c.state).where(competition_teams.c.competition == name))
        )
        people = select(func.count(), func.count(func.distinct(competition_members.c.organisation))).where(
            competition_members.c.competition == name, competition_members.c.left_at.is_(None)
        )
        members, organisations = tx.execute(people).one()
        entries = tx.execute(
            select(
                competition_entries.c.track, competition_entries.c.state, competition_entries.c.submitted_at
            ).where(competition_entries.c.competition == name, competition_entries.c.final_of.is_(None))
        ).all()
        appeals = Counter(
            tx.scalars(select(competition_appeals.c.state).where(competition_appeals.c.competition == name))
        )
    tracks = []
    for track in document.tracks:
        own = [one for one in entries if one.track == track.id]
        days = Counter(one.submitted_at.astimezone(document.zone).date() for one in own)
        tracks.append(
            TrackStatistics(
                track=track.id,
                entries=len(own),
                states=dict(sorted(Counter(one.state for one in own).items())),
                days=[DayOfEntries(day=day.isoformat(), entries=days[day]) for day in sorted(days)],
            )
        )
    return CompetitionStatistics(
        competition=name,
        teams=dict(sorted(teams.items())),
        people=members,
        organisations=organisations,
        tracks=tracks,
        appeals=dict(sorted(appeals.items())),
    )
