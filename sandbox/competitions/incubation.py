"""What becomes of those in a published result: an officer of the organiser sees what each entry is, and
puts a document's idea on the list of opportunities, 城市机会清单. A question goes on to a product of private
answers, a model to the model library: both are offered where products are.
"""

from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.exc import IntegrityError

from sandbox.competitions.competitions import organised
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import JUDGED
from sandbox.competitions.record import newest_result, record, require_state
from sandbox.competitions.schemas import OpportunityDocument, ProposedQuestion, RankedEntry
from sandbox.competitions.tables import (
    competition_entries,
    competition_opportunities,
    competition_teams,
)
from sandbox.competitions.teams import members_of
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity import Principal
from sandbox.identity.tables import team_members

LISTED = 500


def list_ranked(context: CompetitionContext, officer: Principal, name: str) -> list[RankedEntry]:
    """The entries of the newest result, by track and place. Raises `Forbidden`, `NotFound`, `Conflict` before
    there is one."""
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "notice", "closed")
        opportunities = {
            one.entry: one.id
            for one in tx.execute(
                select(competition_opportunities).where(competition_opportunities.c.competition == name)
            )
        }
        ranked = []
        for track, line, entry, team in _lines(tx, name):
            shown = _ranked(track, line, entry, team, opportunities)
            if entry.kind == "questions" and row.state == "closed":
                shown["teams"] = teams_behind(tx, team.id)
            ranked.append(shown)
        return ranked


def teams_behind(tx: Transaction, entered_by: int) -> list[str]:
    """The teams of the vault that hold everybody who is in a team of a competition: what one of them earns is
    everybody's. None, where nobody is in it any more."""
    people = [member.person for member in members_of(tx, entered_by)]
    holding = select(team_members.c.team).where(team_members.c.account.in_(people))
    everybody = holding.group_by(team_members.c.team).having(func.count() == len(people))
    return list(tx.scalars(everybody.order_by(team_members.c.team)))


def publish_opportunity(
    context: CompetitionContext,
    officer: Principal,
    name: str,
    entry: int,
    *,
    title: dict[str, str],
    summary: dict[str, str],
) -> OpportunityDocument:
    """Put the idea of a ranked document or question on the list, once the public notice has ended.
    Raises `Conflict`, `NotFound`."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = organised(tx, context, officer, name)
        require_state(row, "closed")
        found = next((each for each in _lines(tx, name) if each[2].id == entry), None)
        if found is None or found[2].kind not in JUDGED:
            raise NotFound(
                f"The result of {name} has no document or question with the number {entry}.",
                code="idea_not_ranked",
                remedy="List what stands in it: cihu competition ranked.",
                zh=f"“{name}”的结果中没有编号为 {entry} 的文档或问题。",
                remedy_zh="可查看结果中的提交：cihu competition ranked。",
            )
        team = found[3].name
        index = record(
            tx,
            "opportunity.published",
            actor=officer.id,
            competition=name,
            payload={"entry": entry, "title": title, "summary": summary, "team": found[3].id},
            now=now,
            team=found[3].id,
        )
        values = {
            "competition": name,
            "entry": entry,
            "department": row.department,
            "team_name": team,
            "title": title,
            "summary": summary,
            "published_by": officer.id,
            "published_at": now,
            "log_index": index,
        }
        try:
            made = tx.execute(
                insert(competition_opportunities).values(**values).returning(competition_opportunities)
            ).one()
        except IntegrityError:
            raise Conflict(
                f"Entry {entry} is on the list of opportunities already.",
                code="opportunity_published",
                remedy="Everybody reads it there: cihu opportunities.",
                zh=f"提交 {entry} 已在机会清单中。",
                remedy_zh="可查看机会清单：cihu opportunities。",
            ) from None
        return opportunity_document(made)


def list_opportunities(context: CompetitionContext) -> list[OpportunityDocument]:
    """The newest first, for everybody."""
    wanted = select(competition_opportunities).order_by(competition_opportunities.c.id.desc()).limit(LISTED)
    with context.database.transaction() as tx:
        return [opportunity_document(one) for one in tx.execute(wanted)]


def opportunity_document(row: Row[Any]) -> OpportunityDocument:
    """As anybody reads it: no person is named."""
    return OpportunityDocument(
        id=row.id,
        competition=row.competition,
        entry=row.entry,
        department=row.department,
        team_name=row.team_name,
        title=row.title,
        summary=row.summary,
        published_at=row.published_at,
        log_index=row.log_index,
    )


def _lines(tx: Transaction, name: str) -> list[tuple[str, dict[str, Any], Row[Any], Row[Any]]]:
    """Track, line, entry and team of each place in the newest result."""
    found = newest_result(tx, name)
    tracks = found.result if found is not None else []
    lines = [(track["track"], line) for track in tracks for line in track["lines"]]
    ids = {line["entry"] for _, line in lines}
    entries = {
        one.id: one
        for one in tx.execute(select(competition_entries).where(competition_entries.c.id.in_(ids)))
    }
    teams = {
        one.id: one
        for one in tx.execute(select(competition_teams).where(competition_teams.c.competition == name))
    }
    return [(track, line, entries[line["entry"]], teams[line["team"]]) for track, line in lines]


def _ranked(
    track: str, line: dict[str, Any], entry: Row[Any], team: Row[Any], opportunities: dict[int, int]
) -> RankedEntry:
    shown = RankedEntry(
        track=track, place=line["place"], entry=entry.id, kind=entry.kind, team=team.id, team_name=team.name
    )
    if "prize" in line:
        shown["prize"] = line["prize"]
    if entry.kind == "document":
        shown["text"] = entry.content["text"]
    elif entry.kind == "questions":
        content = entry.content
        shown["question"] = ProposedQuestion(
            dataset=content["dataset"],
            title=content["title"],
            purpose=content["purpose"],
            sql=content["sql"],
            parameters=content["parameters"],
            epsilon=content["epsilon"],
        )
    if entry.id in opportunities:
        shown["opportunity"] = opportunities[entry.id]
    return shown
