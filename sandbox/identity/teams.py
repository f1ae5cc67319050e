"""Creates and changes teams. A team holds the grants; its members may come from several organisations."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity.accounts import require_account
from sandbox.identity.names import check_display_name, check_id
from sandbox.identity.principals import hold_account
from sandbox.identity.tables import team_members, teams


def create_team(tx: Transaction, *, team_id: str, display_name: str, by: str) -> None:
    """Form a team with nobody in it. Raises `InvalidInput`, `Conflict`."""
    check_id(team_id, what="team")
    made = tx.execute(
        insert(teams)
        .values(id=team_id, display_name=check_display_name(display_name, what="team"))
        .on_conflict_do_nothing()
        .returning(teams.c.id)
    ).first()
    if made is None:
        raise Conflict(f"There is already a team {team_id!r}.")
    append(tx, Event(kind="team.created", actor=by, subject=f"team:{team_id}"))


def join_team(tx: Transaction, *, team_id: str, account_id: str, by: str) -> None:
    """Put a live account into a team. Raises `NotFound`, `Conflict` if it is there already."""
    require_team(tx, team_id)
    require_account(tx, account_id)
    made = tx.execute(
        insert(team_members)
        .values(team=team_id, account=account_id)
        .on_conflict_do_nothing()
        .returning(team_members.c.account)
    ).first()
    if made is None:
        raise Conflict(f"{account_id!r} is already in the team {team_id!r}.")
    append(
        tx, Event(kind="team.joined", actor=by, subject=f"team:{team_id}", payload={"account": account_id})
    )


def leave_team(tx: Transaction, *, team_id: str, account_id: str, by: str) -> None:
    """Take an account out of a team; its next question on the team's grants is refused. Raises `NotFound`."""
    hold_account(tx, account_id)
    gone = tx.execute(
        delete(team_members)
        .where(team_members.c.team == team_id, team_members.c.account == account_id)
        .returning(team_members.c.account)
    ).first()
    if gone is None:
        raise NotFound(f"{account_id!r} is not in the team {team_id!r}.")
    append(tx, Event(kind="team.left", actor=by, subject=f"team:{team_id}", payload={"account": account_id}))


def require_team(tx: Transaction, team_id: str) -> str:
    """The display name of a team. Raises `NotFound`."""
    name: str | None = tx.scalar(select(teams.c.display_name).where(teams.c.id == team_id))
    if name is None:
        raise NotFound(f"There is no team {team_id!r}.", remedy="Create it first.")
    return name
