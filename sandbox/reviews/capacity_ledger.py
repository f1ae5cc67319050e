"""Counts how many bits reviews have told a team about data of one grade within a window of time, and holds
the limit: that of the team, and that of all teams of an organisation together.

Each request counts from the moment it is made, whatever becomes of it and also if it is withdrawn: whether a
file is blocked, returned or refused follows from raw values. What is released counts on top, by the bound of
disclosure/capacity.py. Files without such a bound (pictures, texts) are counted by their number. The
comments that reviewers write are people's own words, and are not counted. What the card of a model tells of
the people it learned from counts beside them (models/register.py).

No sum depends on anything that the team does not have: released files are its own, and an answer counts the
same whatever it is. People of one organisation can put together what its teams were told, so its teams have a
limit together: a team counts for every organisation of which it has a member, or had one, or an author, when
it asked. Whoever is refused for the others reads no number of theirs.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, log2
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, any_, func, insert, literal, or_, select

from sandbox.database import Transaction, array_of, lock_name
from sandbox.disclosure.taxonomy import Taxonomy
from sandbox.errors import BudgetExhausted, Conflict
from sandbox.identity.teams import organisations_of_team, teams_of_organisation
from sandbox.reviews.model import WAITING, Choice, Outcome, Review, ReviewedFile
from sandbox.reviews.tables import reviews, told_organisations, told_places


@dataclass(frozen=True)
class Capacity:
    """What a team, or all teams of an organisation, were told about data of a grade within the window, and
    the limits (0: none).

    `files`: released ones of which the bits have no bound. `oldest` is the moment of the first answer that
    counts.
    """

    grade: str
    days: int
    bits: int
    files: int
    limit_bits: int
    limit_files: int
    oldest: datetime | None

    def fits(self, bits: int, files: int = 0) -> bool:
        """Whether so much more stays within the limits."""
        return (not self.limit_bits or self.bits + bits <= self.limit_bits) and (
            not self.limit_files or self.files + files <= self.limit_files
        )


def answer_bits(files: int, reviewers: int, reasons: int) -> int:
    """What the answer to a request can say at most: its outcome; of each file whether the run left it; and of
    each reviewer, for each file, the choice and which of the reasons."""
    of_a_reviewer = log2(len(Choice)) + reasons
    return ceil(log2(len(Outcome)) + files * (1 + reviewers * of_a_reviewer))


def released_bits(files: Iterable[ReviewedFile]) -> tuple[int, int]:
    """Of files that a release would copy: the sum of their bits, and how many have no bound."""
    found = list(files)
    return (
        ceil(sum(file.bits for file in found if file.bits is not None)),
        sum(file.bits is None for file in found),
    )


def capacity_told(
    tx: Transaction, taxonomy: Taxonomy, team: str, grade: str, *, but: UUID | None = None
) -> Capacity:
    """What reviews of this grade have told the team so far; `but`: without that review."""
    found = capacities_told(tx, taxonomy, [team], grade=grade, but=but)
    return found.get((team, grade)) or _capacity(taxonomy, grade, [])


def capacities_told(
    tx: Transaction,
    taxonomy: Taxonomy,
    teams: Iterable[str],
    *,
    grade: str | None = None,
    but: UUID | None = None,
) -> dict[tuple[str, str], Capacity]:
    """The same of many teams, by team and grade: of each that was told something within the window. Two reads
    for all of them, not for each."""
    named = array_of(teams)
    rows = _sums(tx, taxonomy, reviews.c.team == any_(named), told_places.c.team == any_(named), grade, but)
    by_key: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        by_key.setdefault((row.team, row.grade), []).append(row)
    return {key: _capacity(taxonomy, key[1], parts) for key, parts in by_key.items()}


def organisation_told(
    tx: Transaction, taxonomy: Taxonomy, organisation: str, grade: str, *, but: UUID | None = None
) -> Capacity:
    """What its teams were told together: those in which it has a member, and those in which it had one, or an
    author, when they asked."""
    recorded = select(told_organisations.c.told).where(told_organisations.c.organisation == organisation)
    now = teams_of_organisation(organisation)
    rows = _sums(
        tx,
        taxonomy,
        or_(reviews.c.id.in_(recorded), reviews.c.team.in_(now)),
        or_(told_places.c.entry.in_(recorded), told_places.c.team.in_(now)),
        grade,
        but,
    )
    return _capacity(taxonomy, grade, rows, times=taxonomy.organisation_windows)


def organisations_told(tx: Transaction, team: str, told: UUID | None = None) -> set[str]:
    """The organisations that are told what the team is told: those of its members, and of `told` (a review or
    a card) those that were behind the team when it was asked."""
    recorded = select(told_organisations.c.organisation).where(told_organisations.c.told == told)
    return organisations_of_team(tx, team) | set(tx.scalars(recorded))


def record_organisations(tx: Transaction, told: UUID, organisations: Iterable[str]) -> None:
    """Keep who was behind the team when a review or a card was asked for."""
    if rows := [{"told": told, "organisation": one} for one in sorted(organisations)]:
        tx.execute(insert(told_organisations), rows)


def _sums(
    tx: Transaction,
    taxonomy: Taxonomy,
    of_reviews: ColumnElement[bool],
    of_places: ColumnElement[bool],
    grade: str | None,
    but: UUID | None,
) -> list[Row[Any]]:
    """What these reviews and cards have told within the window, by team and grade."""
    since = datetime.now(UTC) - timedelta(days=taxonomy.window_days)
    told_at = func.coalesce(reviews.c.decided_at, reviews.c.requested_at)
    waits: ColumnElement[bool] = reviews.c.state.in_([state.value for state in WAITING])
    counted = (
        select(
            reviews.c.team,
            reviews.c.grade,
            func.coalesce(func.sum(reviews.c.told_bits), 0).label("bits"),
            func.coalesce(func.sum(reviews.c.unbounded_files), 0).label("files"),
            func.min(told_at).filter(~waits).label("oldest"),
        )
        .where(of_reviews, reviews.c.grade.is_not(None))
        .where(waits | (told_at > since))
        .group_by(reviews.c.team, reviews.c.grade)
    )
    if but is not None:
        counted = counted.where(reviews.c.id != but)
    placed = (
        select(
            told_places.c.team,
            told_places.c.grade,
            func.coalesce(func.sum(told_places.c.bits), 0).label("bits"),
            literal(0).label("files"),
            func.min(told_places.c.told_at).label("oldest"),
        )
        .where(of_places, told_places.c.told_at > since)
        .group_by(told_places.c.team, told_places.c.grade)
    )
    if grade is not None:
        counted = counted.where(reviews.c.grade == grade)
        placed = placed.where(told_places.c.grade == grade)
    return [*tx.execute(counted), *tx.execute(placed)]


def _capacity(taxonomy: Taxonomy, grade: str, parts: Sequence[Row[Any]], *, times: int = 1) -> Capacity:
    """The sum of what reviews and cards have told, with so many times the limits of a team."""
    limits = taxonomy.at(grade).thresholds
    return Capacity(
        grade,
        taxonomy.window_days,
        sum(int(part.bits) for part in parts),
        sum(int(part.files) for part in parts),
        times * limits.window_bits,
        times * limits.window_files,
        min((part.oldest for part in parts if part.oldest is not None), default=None),
    )


def count_places(tx: Transaction, taxonomy: Taxonomy, entry: UUID, team: str, grade: str, bits: int) -> None:
    """Count what a number beside the reviews can tell of raw rows of a grade, such as those of a membership
    attack on a model's card, before it is told. Raises `BudgetExhausted` where the team may not be told so
    much in this time."""
    behind = organisations_told(tx, team)
    require_capacity(tx, taxonomy, team, behind, grade, bits)
    tx.execute(insert(told_places).values(entry=entry, team=team, grade=grade, bits=bits))
    record_organisations(tx, entry, behind)


def require_capacity(
    tx: Transaction, taxonomy: Taxonomy, team: str, organisations: Collection[str], grade: str, bits: int
) -> None:
    """Hold the ledgers of the team and of the organisations behind it until the transaction ends. Raises
    `BudgetExhausted` when the answer to one more request does not fit. Nothing is looked at but the
    ledgers."""
    _hold(tx, team, organisations, grade)
    told = capacity_told(tx, taxonomy, team, grade)
    if not _has_room(told, bits):
        raise _used_up(told)
    for organisation in sorted(organisations):
        if not _has_room(organisation_told(tx, taxonomy, organisation, grade), bits):
            raise BudgetExhausted(
                f"In {told.days} days, answers about data of grade {grade} could tell the teams of an "
                "organisation of yours as much as they may be told together.",
                code="capacity_used_up",
                remedy="Ask later, or ask your officers for a higher limit.",
                zh=f"{told.days} 天内，关于 {grade} 级数据的答复已达到你们所在单位各团队合计的上限。",
                remedy_zh="请稍后再申请，或请数据专员提高上限。",
            )


def _has_room(told: Capacity, bits: int) -> bool:
    """Whether one more answer of so many bits fits; where no file without a bound does, none is asked for."""
    return told.fits(bits) and not 0 < told.limit_files <= told.files


def _used_up(told: Capacity) -> BudgetExhausted:
    remedy, remedy_zh = "Ask your officers for a higher limit.", "请向数据专员申请提高上限。"
    if told.oldest is not None:
        freed = (told.oldest + timedelta(days=told.days)).date().isoformat()
        remedy = f"Some of it is free again after {freed}. Until then, ask your officers for a higher limit."
        remedy_zh = f"{freed} 之后会释放一部分。此前请向数据专员申请提高上限。"
    return BudgetExhausted(
        f"In {told.days} days, answers about data of grade {told.grade} could tell your team "
        f"{_of(told.bits, told.limit_bits)} bits; {_of(told.files, told.limit_files)} pictures and texts "
        "have left.",
        code="capacity_used_up",
        remedy=remedy,
        zh=(
            f"{told.days} 天内，关于 {told.grade} 级数据的答复最多已向你的团队透露"
            f"{_of_zh(told.bits, told.limit_bits)}比特，"
            f"已放行{_of_zh(told.files, told.limit_files)}个图片和文字。"
        ),
        remedy_zh=remedy_zh,
    )


def require_release_fits(
    tx: Transaction, taxonomy: Taxonomy, review: Review, grade: str, *, bits: int, files: int
) -> None:
    """Hold the ledgers of the team and of the organisations behind it until the transaction ends. Raises
    `Conflict` when what would be released of `review` does not fit beside the other reviews."""
    organisations = organisations_told(tx, review.team, review.id)
    _hold(tx, review.team, organisations, grade)
    told = capacity_told(tx, taxonomy, review.team, grade, but=review.id)
    more = review.told_bits + bits
    if not told.fits(more, files):
        raise _exceeded(told, more, files, "the team", "该团队")
    for name in sorted(organisations):
        told = organisation_told(tx, taxonomy, name, grade, but=review.id)
        if not told.fits(more, files):
            raise _exceeded(told, more, files, f"the teams of {name} together", f"“{name}”各团队合计")


def _exceeded(told: Capacity, bits: int, files: int, whom: str, whom_zh: str) -> Conflict:
    return Conflict(
        f"In {told.days} days, answers could tell {whom} {_of(told.bits, told.limit_bits)} bits, and "
        f"{_of(told.files, told.limit_files)} files without a bound have left. This release would add "
        f"{bits:,} bits and {files} such files.",
        code="capacity_exceeded",
        remedy="Return the review: the team asks for fewer or smaller files, or waits.",
        zh=(
            f"{told.days} 天内，答复最多已向{whom_zh}透露{_of_zh(told.bits, told.limit_bits)}比特，"
            f"已放行{_of_zh(told.files, told.limit_files)}个无上界的文件；"
            f"本次放行还需 {bits:,} 比特和 {files} 个此类文件。"
        ),
        remedy_zh="请退回：团队可减少或缩小文件，或等待。",
    )


def _of(number: int, limit: int) -> str:
    return f"{number:,} of {limit:,}" if limit else f"{number:,}"


def _of_zh(number: int, limit: int) -> str:
    return f" {number:,}（上限 {limit:,}）" if limit else f" {number:,} "


def _hold(tx: Transaction, team: str, organisations: Iterable[str], grade: str) -> None:
    """First the team's, then those of organisations by name: whoever holds one waits for later ones only."""
    lock_name(tx, f"cihu capacity {team} {grade}")
    for name in sorted(organisations):
        lock_name(tx, f"cihu capacity of organisation {name} {grade}")
