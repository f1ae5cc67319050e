"""Lists what a team's budget was spent on, and by whom: its own questions, for its own members."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Subquery, and_, any_, func, select

from sandbox.database import Transaction, array_of
from sandbox.grants import Grant
from sandbox.grants.tables import grants
from sandbox.releases.tables import questions

NEWEST, SHOWN_CHARACTERS = 50, 500


def spending(tx: Transaction, of: Iterable[Grant]) -> dict[int, dict[str, Any]]:
    """By the number of each grant: each member's share of its account (a team's on a dataset), and its newest
    charged questions.

    A question that failed or was cut off is in it: its loss stays spent. Free answers are not. One that joins
    datasets is in the account of each.
    """
    owners = {grant.id: (grant.team, grant.dataset) for grant in of}
    asked = _charged(set(owners.values()))
    people = tx.execute(
        select(
            asked.c.team,
            asked.c.dataset,
            asked.c.asked_by,
            func.count().label("questions"),
            func.sum(asked.c.picorho).label("picorho"),
        )
        .group_by(asked.c.team, asked.c.dataset, asked.c.asked_by)
        .order_by(func.sum(asked.c.picorho).desc(), asked.c.asked_by)
    )
    spenders = defaultdict(list)
    for row in people:
        one = {"who": row.asked_by, "questions": int(row.questions), "picorho": int(row.picorho)}
        spenders[row.team, row.dataset].append(one)
    newest = defaultdict(list)
    place = func.row_number().over(
        partition_by=(asked.c.team, asked.c.dataset), order_by=(asked.c.asked_at.desc(), asked.c.id)
    )
    placed = select(asked, place.label("place")).subquery()
    for row in tx.execute(select(placed).where(placed.c.place <= NEWEST).order_by(placed.c.place)):
        newest[row.team, row.dataset].append(
            {
                "answer_id": str(row.id),
                "who": row.asked_by,
                "at": row.asked_at.isoformat(),
                "sql": row.sql,
                "picorho": int(row.picorho),
                "status": row.status,
                "grant": row.grant,
            }
        )
    return {id: {"people": spenders[owner], "questions": newest[owner]} for id, owner in owners.items()}


def _charged(owners: Collection[tuple[str, str]]) -> Subquery:
    """The charged questions of these accounts, once for each account that they are of."""
    teams, names = array_of([team for team, _ in owners]), array_of([dataset for _, dataset in owners])
    held = func.unnest(teams, names).table_valued("team", "dataset").render_derived()
    own = and_(grants.c.team == held.c.team, grants.c.dataset == held.c.dataset)
    named = select(questions.c.id, grants.c.team, grants.c.dataset).select_from(held.join(grants, own))
    paid = questions.c.picorho > 0
    first = named.join(questions, and_(questions.c.grant == grants.c.id, paid))
    joined = func.cardinality(questions.c.joined_grants) > 0
    beside = named.join(questions, and_(grants.c.id == any_(questions.c.joined_grants), paid, joined))
    of = first.union(beside).subquery()
    return (
        select(
            of.c.team,
            of.c.dataset,
            questions.c.id,
            questions.c.asked_by,
            questions.c.asked_at,
            func.left(questions.c.sql, SHOWN_CHARACTERS).label("sql"),
            questions.c.picorho,
            questions.c.status,
            questions.c.grant,
        )
        .join(of, of.c.id == questions.c.id)
        .subquery()
    )
