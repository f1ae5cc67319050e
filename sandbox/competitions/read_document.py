"""Reads the document of a competition: YAML in, a checked `Competition` out, or all its faults."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.catalog.model import DatasetPolicy, Role
from sandbox.competitions.board_plans import plan_of_phases, split_form
from sandbox.competitions.boards.function import BadFunction
from sandbox.competitions.document import JUDGED, LOCAL, Board, Competition, Phase, Track
from sandbox.competitions.function_examples import require_useful
from sandbox.errors import CihuError, InvalidInput
from sandbox.jobs.predict_people import seconds_a_person
from sandbox.policy import PolicyFaults, Steps, YamlText

MOST_SHOWN = 20
MOST_RHO = 10
PER_JUROR = 5
ORDER = ("registration", "board", "jury", "final")


@dataclass(frozen=True)
class Fault:
    """What is wrong at one place, in both languages."""

    path: tuple[str | int, ...]
    message: str
    remedy: str
    zh: str
    remedy_zh: str


Document = Mapping[str, Any]
Check = Callable[[Document], Iterator[Fault]]
PolicyOf = Callable[[str, int], DatasetPolicy]
"""The policy of a dataset's version in use. Raises `CihuError`."""


def read_competition(
    text: str, *, schema: Path, policy_of: PolicyOf | None = None, what: str = "The competition"
) -> Competition:
    """The document. `policy_of`: with it, datasets and columns are looked up in the catalogue.

    Raises `PolicyFaults` with all faults, of the schema and of the meaning, each with its line;
    `InvalidInput` for a text that is no YAML.
    """
    source = YamlText(text, None, what=what)
    faults: list[InvalidInput] = []
    paths: list[Steps] = []
    try:
        YamlText(text, schema, what=what)
    except PolicyFaults as refused:
        faults += refused.faults
        paths += refused.paths
    found = list(_meaning_faults(source.document, policy_of, broken=bool(faults)))
    faults += [
        source.fault(fault.message, *fault.path, remedy=fault.remedy, zh=fault.zh, remedy_zh=fault.remedy_zh)
        for fault in found
    ]
    if faults:
        raise _all(faults, [*paths, *(fault.path for fault in found)])
    return Competition.model_validate(source.document)


def _all(faults: list[InvalidInput], paths: list[Steps]) -> PolicyFaults:
    shown = "; ".join(fault.message for fault in faults[:MOST_SHOWN])
    more = f"; and {len(faults) - MOST_SHOWN} more faults" if len(faults) > MOST_SHOWN else ""
    remedies = dict.fromkeys(fault.remedy for fault in faults[:MOST_SHOWN])
    refused = PolicyFaults(shown + more, remedy=" ".join(remedies), faults=faults, paths=paths)
    refused.code = "competition_faults"
    refused.zh = "；".join(fault.zh or fault.message for fault in faults[:MOST_SHOWN])
    refused.remedy_zh = "".join(dict.fromkeys(fault.remedy_zh or fault.remedy for fault in faults))
    return refused


def _meaning_faults(document: Any, policy_of: PolicyOf | None, *, broken: bool) -> Iterator[Fault]:
    """What no schema can say. In a document that is broken elsewhere, checks that need a broken part are
    left out."""
    checks: tuple[Check, ...] = (_zone, _phases, _teams, _tracks, _prizes, _juries, _notice, _plans)
    for check in checks:
        if broken:
            with suppress(KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
                yield from list(check(document))
        else:
            yield from check(document)
    if policy_of is not None:
        with suppress(KeyError, TypeError, AttributeError):
            yield from list(_datasets(document, policy_of))


def _zone(document: Document) -> Iterator[Fault]:
    try:
        ZoneInfo(document.get("time_zone", "Asia/Shanghai"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Fault(
            ("time_zone",),
            f"there is no time zone {document['time_zone']!r}.",
            "Write a name of the IANA list, such as Asia/Shanghai.",
            f"没有时区 {document['time_zone']}。",
            "请使用 IANA 时区名称，例如 Asia/Shanghai。",
        )


def _moment(text: str) -> datetime | None:
    try:
        # only compared with one another
        return datetime.strptime(text, LOCAL).replace(tzinfo=UTC)
    except ValueError:
        return None


def _phases(document: Document) -> Iterator[Fault]:
    phases = document["phases"]
    yield from _twice(phases, ("phases",), "phase", "阶段")
    kinds = [phase["kind"] for phase in phases]
    if kinds.count("registration") != 1 or kinds.count("final") > 1:
        yield Fault(
            ("phases",),
            "a competition has one phase of registration and at most one final.",
            "Leave one phase of kind registration, and one of kind final.",
            "大赛须有且仅有一个报名阶段，至多一个决赛阶段。",
            "请保留一个 registration 阶段和一个 final 阶段。",
        )
    needs_board = any(track.get("board") for track in document["tracks"])
    if needs_board and not {"board", "final"} <= set(kinds):
        yield Fault(
            ("phases",),
            "a track has a board, and there is no phase of kind board or none of kind final.",
            "Add both phases: entries are scored live in the first and once in the second.",
            "有赛道设榜，但缺少 board 或 final 阶段。",
            "请补充这两个阶段：前者实时评分，后者仅评一次。",
        )
    if any(track.get("jury") for track in document["tracks"]) and "jury" not in kinds:
        yield Fault(
            ("phases",),
            "a track has a jury, and there is no phase of kind jury.",
            "Add the phase in which jurors score documents.",
            "有赛道设评审，但缺少 jury 阶段。",
            "请补充评委评分的阶段。",
        )
    yield from _phase_times(phases)


def _phase_times(phases: list[Document]) -> Iterator[Fault]:
    ends: dict[str, datetime] = {}
    latest_close: datetime | None = None
    for place, phase in enumerate(phases):
        opens, closes = _moment(phase["opens"]), _moment(phase["closes"])
        for field, moment in (("opens", opens), ("closes", closes)):
            if moment is None:
                yield Fault(
                    ("phases", place, field),
                    f"{phase[field]} is no day and time of the calendar.",
                    "Write it as 2026-03-01 09:00.",
                    f"{phase[field]} 不是有效的日期时间。",
                    "请写作 2026-03-01 09:00。",
                )
        if opens is None or closes is None:
            continue
        if opens >= closes:
            yield Fault(
                ("phases", place, "closes"),
                f"{phase['id']} closes at {phase['closes']}, which is not after it opens.",
                "Let it close later than it opens.",
                f"阶段 {phase['id']} 的结束时间不晚于开始时间。",
                "结束时间应晚于开始时间。",
            )
        if phase["kind"] in ("board", "final"):
            if latest_close is not None and opens < latest_close:
                yield Fault(
                    ("phases", place, "opens"),
                    f"{phase['id']} opens before the scored phase before it has closed.",
                    "Phases that score follow each other: let it open at that close or later.",
                    f"阶段 {phase['id']} 在前一评分阶段结束前开始。",
                    "评分阶段应依次进行，请改为在前一阶段结束时或之后开始。",
                )
            latest_close = closes
        ends.setdefault(phase["kind"], closes)
    order = [ORDER.index(phase["kind"]) for phase in phases if phase["kind"] in ORDER]
    if order != sorted(order):
        yield Fault(
            ("phases",),
            "the phases are not in the order registration, boards, jury, final.",
            "List them in this order.",
            "各阶段的顺序应为：报名、榜单、评审、决赛。",
            "请按此顺序排列。",
        )


def _twice(parts: list[Document], path: tuple[str | int, ...], word: str, word_zh: str) -> Iterator[Fault]:
    for id, times in Counter(part["id"] for part in parts).items():
        if times > 1:
            place = max(place for place, part in enumerate(parts) if part["id"] == id)
            yield Fault(
                (*path, place, "id"),
                f"the {word} {id} is there {times} times.",
                "Give each its own id.",
                f"{word_zh} {id} 重复。",
                "请使用不同的标识。",
            )


def _teams(document: Document) -> Iterator[Fault]:
    teams = document["teams"]
    smallest = teams.get("smallest", 1)
    if smallest > teams["largest"]:
        yield Fault(
            ("teams", "largest"),
            f"the largest team has {teams['largest']} people, fewer than the smallest ({smallest}).",
            "Let largest be at least smallest.",
            f"团队人数上限 {teams['largest']} 小于下限 {smallest}。",
            "上限不应小于下限。",
        )
    fixed, opens = _moment(teams["fixed_from"]), _moment(document["phases"][0]["opens"])
    entering = [
        moment
        for phase in document["phases"]
        if phase["kind"] in ("registration", "board") and (moment := _moment(phase["closes"]))
    ]
    if fixed is None or (opens is not None and not opens < fixed <= max(entering)):
        yield Fault(
            ("teams", "fixed_from"),
            "teams are fixed from a moment after the competition opens and not after the last board closes.",
            "Choose a moment between them, such as 2026-03-20 18:00.",
            "团队锁定时间应在大赛开始之后，且不晚于最后一个榜单阶段结束。",
            "请在两者之间选择时间，例如 2026-03-20 18:00。",
        )


def _tracks(document: Document) -> Iterator[Fault]:
    yield from _twice(document["tracks"], ("tracks",), "track", "赛道")
    for place, track in enumerate(document["tracks"]):
        yield from _track(track, ("tracks", place))


def _track(track: Document, path: tuple[str | int, ...]) -> Iterator[Fault]:
    board, jury = track.get("board"), track.get("jury")
    if not board and not jury:
        yield Fault(
            path,
            f"the track {track['id']} has neither a board nor a jury, so nothing in it is ranked.",
            "Add a board, a jury, or both.",
            f"赛道 {track['id']} 既无榜单也无评审，无法排名。",
            "请设置榜单、评审或两者。",
        )
    if board:
        yield from _board(track, board, path)
    limits = track["entries"]
    if limits["per_day"] > limits["in_total"]:
        yield Fault(
            (*path, "entries", "per_day"),
            f"a team may hand in {limits['per_day']} entries a day, and only {limits['in_total']} in all.",
            "Let per_day be at most in_total.",
            f"每日 {limits['per_day']} 次超过总数 {limits['in_total']} 次。",
            "每日次数不应超过总次数。",
        )
    if limits["compute_seconds"] < limits.get("seconds", 60):
        yield Fault(
            (*path, "entries", "compute_seconds"),
            "the compute quota of a team is less than the limit of one entry.",
            "Raise compute_seconds, or lower seconds.",
            "团队算力额度小于单次提交的时限。",
            "请提高 compute_seconds，或降低 seconds。",
        )
    if "questions" in limits["kinds"] and not track.get("datasets"):
        yield Fault(
            (*path, "datasets"),
            "entries of kind questions ask a dataset, and the track has none.",
            "Name the dataset and the columns that questions may use.",
            "questions 类提交须查询数据集，而该赛道没有数据集。",
            "请填写数据集及问题可用的栏目。",
        )
    if bool(jury) != bool(JUDGED & set(limits["kinds"])):
        yield Fault(
            (*path, "entries", "kinds"),
            "a jury judges documents and questions: a track has a jury exactly where it takes one of these.",
            "Add document or questions to kinds and a jury to the track, or neither.",
            "评审针对文档和问题：赛道设评审与接受 document 或 questions 类提交须同时成立。",
            "请同时设置，或都不设置。",
        )


def _board(track: Document, board: Document, path: tuple[str | int, ...]) -> Iterator[Fault]:
    targets = [dataset for dataset in track.get("datasets", ()) if dataset.get("target")]
    if len(targets) != 1:
        yield Fault(
            (*path, "datasets"),
            f"the track {track['id']} has a board, and {len(targets)} of its datasets have a target.",
            "Name the target column in exactly one dataset.",
            f"赛道 {track['id']} 设榜，须恰有一个数据集注明目标栏目。",
            "请在一个数据集中填写 target。",
        )
    if set(track["entries"]["kinds"]) <= JUDGED:
        yield Fault(
            (*path, "entries", "kinds"),
            "a board scores models or programs, and the track takes none of these.",
            "Add model or program to kinds, or leave the board out.",
            "榜单评分对象为模型或程序，而该赛道均不接受。",
            "请在 kinds 中增加类型，或去掉榜单。",
        )
    yield from _function(board, (*path, "board"))
    for field in ("rho", "final_rho"):
        # what else is wrong with numbers of the live board, the organiser's calculator says (_plans)
        if Decimal(board[field]) > MOST_RHO or (field == "final_rho" and not Decimal(board[field])):
            yield Fault(
                (*path, "board", field),
                f"{field} must be above 0 and at most {MOST_RHO}.",
                'Write a small number, such as "0.1".',
                f"{field} 应大于 0，至多 {MOST_RHO}。",
                '请填写较小的数，例如 "0.1"。',
            )


def _function(board: Document, path: tuple[str | int, ...]) -> Iterator[Fault]:
    for field in ("function", "predicts"):
        if (field in board) != (board["metric"] == "function"):
            yield Fault(
                (*path, field),
                f"{field} stands with the metric function, and with no other.",
                "Choose that metric and write both function and predicts, or leave both out.",
                f"{field} 与指标 function 须同时填写或同时不填。",
                "请选择指标 function 并填写 function 和 predicts，或均不填写。",
            )
            return
    if "function" in board:
        try:
            require_useful(Board.model_validate(board))
        except BadFunction as error:
            yield Fault(
                (*path, "function"),
                error.message,
                "Write an expression such as 1 - abs(prediction - target) / 10.",
                error.zh,
                "请填写表达式，例如 1 - abs(prediction - target) / 10。",
            )


def _prizes(document: Document) -> Iterator[Fault]:
    for place, track in enumerate(document["tracks"]):
        taken: set[int] = set()
        for index, prize in enumerate(track.get("prizes", ())):
            path = ("tracks", place, "prizes", index)
            places = set(range(prize["first_place"], prize["last_place"] + 1))
            if not places:
                yield Fault(
                    (*path, "last_place"),
                    "the last place of a prize comes before its first.",
                    "Let last_place be at least first_place.",
                    "奖项的末位名次在首位之前。",
                    "last_place 不应小于 first_place。",
                )
            if places & taken:
                yield Fault(
                    (*path, "first_place"),
                    f"the place {min(places & taken)} has a prize already.",
                    "Give each place one prize.",
                    f"第 {min(places & taken)} 名已有奖项。",
                    "每个名次只设一个奖项。",
                )
            taken |= places


def _juries(document: Document) -> Iterator[Fault]:
    for place, track in enumerate(document["tracks"]):
        jury = track.get("jury")
        if not jury:
            continue
        path = ("tracks", place, "jury")
        yield from _twice(jury["rounds"], (*path, "rounds"), "round", "评审轮次")
        if sum(round["weight"] for round in jury["rounds"]) != 100:
            yield Fault(
                (*path, "rounds"),
                "the weights of the rounds are percents, and do not add up to 100.",
                "Change them so that they do.",
                "各轮权重为百分比，其和不等于 100。",
                "请调整权重。",
            )
        for index, round in enumerate(jury["rounds"]):
            yield from _twice(round["rubric"], (*path, "rounds", index, "rubric"), "criterion", "评分项")
        if bool(jury.get("board_weight", 0)) != bool(track.get("board")):
            yield Fault(
                (*path, "board_weight"),
                "a board counts by board_weight: it is above 0 exactly where the track has a board.",
                "Set board_weight to the percent of the board, or to 0 without one.",
                "榜单按 board_weight 计入：设榜时应大于 0，否则为 0。",
                "请填写榜单所占百分比；无榜单时填 0。",
            )


def _notice(document: Document) -> Iterator[Fault]:
    notice = document["notice"]
    if notice["appeal_days"] > notice["days"]:
        yield Fault(
            ("notice", "appeal_days"),
            "teams could appeal after the public notice has ended.",
            "Let appeal_days be at most days.",
            "申诉期限超出公示期。",
            "appeal_days 不应超过 days。",
        )


def _plans(document: Document) -> Iterator[Fault]:
    """Boards and splits whose numbers do not go together: the organiser's calculator says what would do."""
    for place, track in enumerate(document["tracks"]):
        if not track.get("board"):
            continue
        # the other parts of a document may be broken: a plan needs phases, zone and this track alone
        parsed, phases = (
            Track.model_validate(track),
            [Phase.model_validate(one) for one in document["phases"]],
        )
        zone = ZoneInfo(document.get("time_zone", "Asia/Shanghai"))
        for check in _plan_checks(phases, zone, parsed):
            try:
                check()
            except InvalidInput as error:
                path = ("tracks", place, "board")
                yield Fault(path, error.message, error.remedy, *error.words("zh"))


def _plan_checks(phases: list[Phase], zone: ZoneInfo, track: Track) -> list[Callable[[], object]]:
    board = track.board
    assert board is not None
    return [
        lambda: plan_of_phases(phases, zone, track),
        lambda: split_form(track),
        lambda: seconds_a_person(track.entries.seconds, max(board.live, board.final)),
    ]


def _datasets(document: Document, policy_of: PolicyOf) -> Iterator[Fault]:
    for place, track in enumerate(document["tracks"]):
        for index, dataset in enumerate(track.get("datasets", ())):
            path = ("tracks", place, "datasets", index)
            try:
                policy = policy_of(dataset["dataset"], dataset["version"])
            except CihuError as error:
                yield Fault((*path, "dataset"), error.message, error.remedy, *error.words("zh"))
                continue
            yield from _columns(dataset, policy, path)


def _columns(dataset: Document, policy: DatasetPolicy, path: tuple[str | int, ...]) -> Iterator[Fault]:
    usable = {column.name for column in policy.columns if column.role not in (Role.HIDDEN, Role.UNIT)}
    named = [((*path, "features", at), name) for at, name in enumerate(dataset["features"])]
    if target := dataset.get("target"):
        named.append(((*path, "target"), target))
        if target in dataset["features"]:
            yield Fault(
                (*path, "target"),
                f"{target} is both a feature and the target.",
                "Take it out of the features.",
                f"{target} 既是特征又是目标。",
                "请从特征中去掉。",
            )
    for where, name in named:
        if name not in usable:
            yield Fault(
                where,
                f"{policy.dataset} has no column {name} that may be used.",
                f"It has {', '.join(sorted(usable))}.",
                f"{policy.dataset} 没有可用的栏目 {name}。",
                f"可用栏目：{'、'.join(sorted(usable))}。",
            )
