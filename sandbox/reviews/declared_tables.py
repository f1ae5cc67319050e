"""Checks a declared query's table beside all released ones: findings, each with the release that it is
about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sandbox.city_time import city_date
from sandbox.database import Transaction
from sandbox.declared import CellRules, How, Overlap, overlaps
from sandbox.declared.table_files import TABLE
from sandbox.declared.table_store import KeptTable, candidate, checked_to, last_release, released_about
from sandbox.disclosure.finding import Finding, Severity, asks, blocks
from sandbox.disclosure.taxonomy import Thresholds
from sandbox.jobs import Run, RunKind, load_run
from sandbox.reviews.read import earlier_releases

RISK = "differencing"
NAMED = 3
REMEDY = (
    "Ask for a coarser table, or for the very cells that have left already; or ask with noise (cihu.sql).",
    "请申请更粗的表，或与已放行者完全相同的单元格；或改用带噪声的提问（cihu.sql）。",
)
ONLY_THE_TABLE = blocks(
    "not_the_table",
    "small_group",
    "Of a declared query only table.csv may leave: the rest is exact, or for reviewers alone.",
    "Ask for table.csv.",
    "申报表的结果中只有 table.csv 可以放行：其余是精确数，或仅供审核人。",
    "请只申请 table.csv。",
)
NOBODY_KNOWN = blocks(
    "units_unknown",
    RISK,
    "It is not known which units stand behind the table, so it cannot be compared with any release.",
    "Let the team declare the query again.",
    "不知道表背后是哪些个体，无法与已放行结果比较。",
    "请团队重新申报该查询。",
)
TOO_MANY = asks(
    "too_many_numbers",
    RISK,
    "There are too many numbers about these people to try every combination of them by machine.",
    "Compare the table with the earlier releases below yourself, above all those with "
    "nearly the same conditions.",
    "关于这些人的数已过多，机器无法逐一尝试其组合。",
    "请自行与下列已放行结果比较，尤其是条件几乎相同者。",
)
OTHER_KEY = blocks(
    "units_under_another_key",
    RISK,
    "The units of a released table were recorded under a key that the vault no longer has.",
    "For the operator: restore keys/units/units.key of that time.",
    "已放行表的个体是以另一把密钥记录的，无法比较。",
    "请运营人员恢复当时的 keys/units/units.key。",
)


@dataclass(frozen=True)
class Beside:
    """A table, and what left before, as they were when `last` was the newest release."""

    one: KeptTable | None
    releases: Sequence[KeptTable]
    teams: Mapping[UUID, str]
    team: str
    last: int
    # files of sealed programs on the same datasets that were released: nobody knows the units behind these
    programs: int


def cell_rules(thresholds: Thresholds) -> CellRules:
    """What policies/disclosure.yaml says of a grade, for a table that the vault makes itself."""
    return CellRules(
        thresholds.minimum_count,
        max(1, thresholds.rounding_base),
        thresholds.zero_cells is Severity.NOTES,
        thresholds.dominance_units,
        thresholds.dominance_percent,
        thresholds.prior_percent,
    )


def is_stale(tx: Transaction, run: Run) -> bool:
    """Whether something left since the run's table was looked at beside all that had."""
    return (
        run.kind is RunKind.TABLE
        and candidate(tx, run.id) is not None
        and checked_to(tx, run.id) != last_release(tx)
    )


def beside(tx: Transaction, run: Run) -> Beside | None:
    """None for a run that is no declared query."""
    if run.kind is not RunKind.TABLE:
        return None
    last = last_release(tx)  # before the tables are read: what leaves meanwhile is then looked at again
    one = candidate(tx, run.id)
    releases = released_about(tx, one) if one else ()
    datasets = sorted({each.dataset for each in run.inputs})
    programs = sum(each.kind is RunKind.PROGRAM for each in earlier_releases(tx, datasets, but=run.id))
    return Beside(
        one,
        releases,
        {release.run: load_run(tx, release.run).team for release in releases},
        run.team,
        last,
        programs,
    )


def beside_findings(said: Beside, path: str, least: int) -> list[Finding]:
    """Of one file that is asked for."""
    if path != TABLE:
        return [ONLY_THE_TABLE]
    if said.one is None:
        return [NOBODY_KNOWN]
    found = [_finding(overlap, said) for overlap in overlaps(said.one, said.releases, least=least)]
    return [*found, *([_programs(said.programs)] if said.programs else [])]


def _finding(overlap: Overlap, said: Beside) -> Finding:
    new = [number.name for number in overlap.numbers if number.release is None]
    few, few_zh = f"{overlap.units} unit{'s' if overlap.units > 1 else ''}", f"{overlap.units} 个个体"
    names, names_zh = "; ".join(new[:NAMED]), "；".join(new[:NAMED])
    whose = ", and of ".join(_release(release, said)[0] for release in overlap.releases[:NAMED])
    whose_zh = "及".join(_release(release, said)[1] for release in overlap.releases[:NAMED])
    match overlap.how:
        case How.TOO_MANY:
            return TOO_MANY
        case How.OTHER_KEY:
            return OTHER_KEY
        case How.DIFFERENCE:
            other = overlap.numbers[1].name
            return blocks(
                "differs_by_few",
                RISK,
                f"It differs by {few} from {other} of {whose or 'this table itself'}.",
                REMEDY[0],
                f"它与{whose_zh or '本表自身'}的 {other} 仅相差 {few_zh}。",
                REMEDY[1],
                where=overlap.numbers[0].name,
            )
        case How.COMBINATION:
            return blocks(
                "combines_to_few",
                RISK,
                f"{len(new)} of its numbers, added and subtracted with numbers of "
                f"{whose or 'this table itself'}, leave {few}.",
                REMEDY[0],
                f"其中 {len(new)} 个数与{whose_zh or '本表自身'}的数相加减，只剩 {few_zh}。",
                REMEDY[1],
                where=names,
            )
        case How.SUPPRESSION:
            of, of_zh = (f" together with {whose}", f"与{whose_zh}一起") if whose else ("", "")
            return blocks(
                "suppression_undone",
                RISK,
                f"With a total that may be known from elsewhere, {len(new)} of its numbers{of} tell "
                f"of {few} behind what is suppressed.",
                REMEDY[0],
                f"若合计从别处可知，其中 {len(new)} 个数{of_zh}会透露被隐去的 {few_zh}。",
                REMEDY[1],
                where=names_zh,
            )


def _release(release: KeptTable, said: Beside) -> tuple[str, str]:
    """Which release, without naming anybody."""
    assert release.released_at is not None, "it has left"
    day, own = city_date(release.released_at).isoformat(), said.teams[release.run] == said.team
    return (
        f"run {release.run}, released on {day} to {'the same team' if own else 'another team'}",
        f"运行 {release.run}（{day} 放行给{'本' if own else '另一'}团队）",
    )


def _programs(number: int) -> Finding:
    return asks(
        "released_programs",
        RISK,
        f"{number} files of sealed programs on the same data have left: who stands behind their "
        "numbers is known to nobody, so they cannot be compared by machine.",
        "Look at them below, and say why the table adds nothing.",
        f"已有 {number} 个密封程序的文件（基于相同数据）放行：其数背后是谁无从知晓，机器无法比较。",
        "请查看下列文件，并说明为何本表不会由此透露个体。",
    )
