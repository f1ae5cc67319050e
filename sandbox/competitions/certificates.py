"""Certificates of those who took part: what the published result says of a team, for one of its members, as a
signed receipt of the log.

A certificate exists once the public notice has ended, when no appeal can change a place any more. It holds
what the result shows to everybody, and of the person what they chose to be called. Its entry of the log names
no other: whoever is given the receipt learns the account only if that was chosen.

Another name is another certificate, at most `MOST` for each person. The one before is kept and its receipt
stays good; the competition's public record says which entry of the log was replaced, and names nobody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update

from sandbox.audit import Log
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.record import VAULT, document_of, held_public, newest_result, record, require_state
from sandbox.competitions.schemas import CertifiedTrack, ParticipationCertificate, ReplacedCertificate
from sandbox.competitions.tables import competition_certificates, competition_entries
from sandbox.competitions.teams import own_team
from sandbox.database import Transaction
from sandbox.errors import Conflict, NotFound
from sandbox.identity import Principal

ShownAs = Literal["display_name", "account", "member"]
"""What a person is called: by the name of their account, by its id, or as a member of the team."""
MOST = 4
"""So many certificates has a person of one competition: the first, and three changes of name."""


def issue(
    context: CompetitionContext, log: Log, person: Principal, name: str, shown_as: ShownAs
) -> ParticipationCertificate:
    """The caller's certificate; asked for again with the same name, it is the same. Raises `NotFound` outside
    a team, `Conflict` before the public notice has ended, for a team without a scored entry, and for another
    name when all changes are used."""
    now = context.clock()
    with context.database.transaction() as tx:
        row = held_public(tx, context, name)
        require_state(row, "closed")
        team = own_team(tx, person.id, name)
        issued = _issued(tx, name, person.id)
        called = _called(person, shown_as)
        newest = issued[-1] if issued else None
        if newest is None or (newest.shown_as, newest.content["participant"]) != (shown_as, called):
            _require_changes_left(issued)
            payload = _payload(tx, row, team) | {"participant": called}
            index = record(
                tx,
                "competition.certified",
                actor=VAULT,
                competition=name,
                payload=payload,
                now=now,
                team=team.id,
            )
            values = {"shown_as": shown_as, "content": payload, "issued_at": now, "log_index": index}
            number = len(issued) + 1
            tx.execute(
                insert(competition_certificates).values(
                    competition=name, person=person.id, number=number, **values
                )
            )
            if newest is not None:
                _replace(tx, newest, now)
            issued = _issued(tx, name, person.id)
    return _document(issued, log)


def read(context: CompetitionContext, log: Log, person: Principal, name: str) -> ParticipationCertificate:
    """The caller's newest certificate of a competition. Raises `NotFound`."""
    with context.database.transaction() as tx:
        held_public(tx, context, name)
        issued = _issued(tx, name, person.id)
    if not issued:
        raise NotFound(
            "You have no certificate of this competition.",
            code="no_certificate",
            remedy="Ask for it once the public notice has ended: cihu competition certificate.",
            zh="您没有该大赛的参赛证书。",
            remedy_zh="公示期结束后可领取：cihu competition certificate。",
        )
    return _document(issued, log)


def _require_changes_left(issued: Sequence[Row[Any]]) -> None:
    """Raises `Conflict`."""
    if len(issued) >= MOST:
        raise Conflict(
            f"The name on your certificate was changed {MOST - 1} times, and stays what it is.",
            code="certificate_changes_used",
            remedy="Use the newest certificate. The receipts of earlier ones stay good.",
            zh=f"证书上的称呼已更改 {MOST - 1} 次，不能再改。",
            remedy_zh="请使用最新的证书；以前的凭证仍可核验。",
        )


def _replace(tx: Transaction, before: Row[Any], now: datetime) -> None:
    """Say in the public record that the certificate at an index of the log was replaced."""
    index = record(
        tx,
        "competition.certificate_replaced",
        actor=VAULT,
        competition=before.competition,
        payload={"entry": before.log_index},
        now=now,
        public=True,
    )
    tx.execute(
        update(competition_certificates)
        .where(
            competition_certificates.c.competition == before.competition,
            competition_certificates.c.person == before.person,
            competition_certificates.c.number == before.number,
        )
        .values(replaced_at=now, replaced_index=index)
    )


def _called(person: Principal, shown_as: ShownAs) -> str:
    """Empty for whoever stands there as a member of the team."""
    return {"display_name": person.display_name, "account": person.id, "member": ""}[shown_as]


def _payload(tx: Transaction, row: Row[Any], team: Row[Any]) -> dict[str, Any]:
    """What everybody can read of the team in the newest result. Raises `Conflict` for nothing."""
    document = document_of(row.text)
    newest = newest_result(tx, row.name)
    assert newest is not None, "a competition that is over has a result"
    lines = {
        track["track"]: line for track in newest.result for line in track["lines"] if line["team"] == team.id
    }
    scored = set(
        tx.scalars(
            select(competition_entries.c.track).where(
                competition_entries.c.team == team.id,
                competition_entries.c.state == "scored",
                competition_entries.c.final_of.is_(None),
            )
        )
    )
    tracks = []
    for track in document.tracks:
        if track.id not in scored | lines.keys():
            continue
        certified: dict[str, Any] = {
            "track": track.id,
            "title": {"en": track.title.en, "zh": track.title.zh},
        }
        if track.id in lines:
            line = lines[track.id]
            certified |= {name: line[name] for name in ("place", "ranks", "prize") if name in line}
        tracks.append(certified)
    if not tracks:
        raise Conflict(
            "Your team has no scored entry in this competition.",
            code="no_scored_entry",
            remedy="Certificates are for teams that have one. What it handed in stays in the history.",
            zh="贵队在该大赛中没有已评分的提交。",
            remedy_zh="参赛证书只颁发给有已评分提交的团队；提交记录予以保留。",
        )
    return {
        "title": {"en": document.title.en, "zh": document.title.zh},
        "organiser": row.department,
        "team": team.id,
        "team_name": team.name,
        "revision": newest.revision,
        "tracks": tracks,
    }


def _document(issued: Sequence[Row[Any]], log: Log) -> ParticipationCertificate:
    """The newest of a person's, with those that it replaced."""
    *earlier, found = issued
    content = found.content
    return ParticipationCertificate(
        competition=found.competition,
        title=content["title"],
        organiser=content["organiser"],
        team=content["team"],
        team_name=content["team_name"],
        participant=content["participant"],
        shown_as=found.shown_as,
        revision=content["revision"],
        tracks=[CertifiedTrack(**track) for track in content["tracks"]],  # type: ignore[typeddict-item]
        issued_at=found.issued_at,
        receipt=log.receipt(found.log_index, opening=True),  # type: ignore[typeddict-item]
        changes_left=MOST - len(issued),
        replaced=[
            ReplacedCertificate(
                participant=one.content["participant"],
                shown_as=one.shown_as,
                issued_at=one.issued_at,
                log_index=one.log_index,
                replaced_at=one.replaced_at,
                replaced_index=one.replaced_index,
            )
            for one in earlier
        ],
    )


def _issued(tx: Transaction, name: str, person: str) -> Sequence[Row[Any]]:
    """All of a person's, the newest last."""
    of_person = (competition_certificates.c.competition == name, competition_certificates.c.person == person)
    wanted = select(competition_certificates).where(*of_person)
    return tx.execute(wanted.order_by(competition_certificates.c.number)).all()
