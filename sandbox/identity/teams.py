"""Creates and changes teams. A team holds the grants; its members may come from several organisations."""

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sandbox import notices
from sandbox.audit import Event, append
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity.accounts import require_account
from sandbox.identity.names import check_display_name, check_id
from sandbox.identity.principals import hold_account
from sandbox.identity.tables import accounts, team_members, teams


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
    require_open_team(tx, team_id)
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
        tx,
        Event(kind="team.joined", actor=by, subject=f"team:{team_id}", payload={"account": account_id}),
        to=[notices.person(account_id)],
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
    append(
        tx,
        Event(kind="team.left", actor=by, subject=f"team:{team_id}", payload={"account": account_id}),
        to=[notices.person(account_id)],
    )


def require_team(tx: Transaction, team_id: str) -> str:
    """The display name of a team. Raises `NotFound`."""
    name: str | None = tx.scalar(select(teams.c.display_name).where(teams.c.id == team_id))
    if name is None:
        raise NotFound(f"There is no team {team_id!r}.", remedy="Create it first.")
    return name


def organisations_of_team(tx: Transaction, team_id: str) -> set[str]:
    """Those of its members."""
    of_members = (
        select(accounts.c.organisation)
        .join(team_members, team_members.c.account == accounts.c.id)
        .where(team_members.c.team == team_id)
    )
    return set(tx.scalars(of_members))


def teams_of_organisation(organisation_id: str) -> Select[tuple[str]]:
    """Asks for the ids of the teams in which it has a member now."""
    return (
        select(team_members.c.team)
        .join(accounts, accounts.c.id == team_members.c.account)
        .where(accounts.c.organisation == organisation_id)
    )


def require_open_team(tx: Transaction, team_id: str) -> None:
    """Raises `NotFound`, and `Conflict` for a team that went over into another."""
    require_team(tx, team_id)
    require_not_merged(tx, team_id)


def require_not_merged(tx: Transaction, team_id: str) -> None:
    """Raises `Conflict` for a team that went over into another."""
    into = tx.scalar(select(teams.c.merged_into).where(teams.c.id == team_id))
    if into is not None:
        raise Conflict(
            f"The team {team_id!r} went over into {into!r}.",
            code="team_merged",
            remedy=f"Use {into!r}.",
            zh=f"团队 {team_id} 已并入 {into}。",
            remedy_zh=f"请使用 {into}。",
        )


def merge_teams(tx: Transaction, *, team_id: str, into: str, by: str) -> list[str]:
    """Put all members of a team into another, and close the first to new ones; gives who went over.

    Members keep their place in the first team as well: the grants that it holds stay theirs until they end.
    Raises `NotFound`, `Conflict`.
    """
    require_open_team(tx, team_id)
    require_open_team(tx, into)
    if team_id == into:
        raise Conflict(
            "A team cannot be merged into itself.",
            remedy="Name two teams.",
            zh="团队不能并入自身。",
            remedy_zh="请选择两个不同的团队。",
        )
    members = sorted(tx.scalars(select(team_members.c.account).where(team_members.c.team == team_id)))
    there = set(tx.scalars(select(team_members.c.account).where(team_members.c.team == into)))
    moved = [account for account in members if account not in there]
    for account in moved:
        hold_account(tx, account)
        tx.execute(insert(team_members).values(team=into, account=account).on_conflict_do_nothing())
    tx.execute(update(teams).where(teams.c.id == team_id).values(merged_into=into))
    append(
        tx,
        Event(
            kind="team.merged",
            actor=by,
            subject=f"team:{team_id}",
            payload={"into": into, "moved": moved},
        ),
    )
    return moved
