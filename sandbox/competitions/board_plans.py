"""The plan of a track's board, from its document: every number of it is public and fixed before it opens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from sandbox.competitions.boards import BoardForm, BoardPlan, Metric, MetricKind, Sizes, plan_board
from sandbox.competitions.document import LOCAL, Board, Competition, Phase, Track
from sandbox.competitions.entries.linear import Constant
from sandbox.splits import SplitForm, Stratum

DEFAULT_CLIP = Fraction(1)


def metric_of(board: Board) -> Metric:
    clip = Fraction(board.clip) if board.clip else DEFAULT_CLIP
    return Metric(MetricKind(board.metric), clip, board.function or "")


def baseline_of(board: Board) -> Constant | None:
    """What everybody is predicted to be; None where the document does not say enough for one. For a function
    of the organiser: as for the metric that asks for the same kind of prediction."""
    if board.metric == "function":
        return _baseline_of_kind(board)
    match board.metric:
        case "accuracy":
            common = max(board.strata, key=lambda one: one.live)
            if len(common.values) != 1:
                return None
            (value,) = common.values
            kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "text"
            return Constant(value, kind)
        case "brier" | "log_loss":
            positives = board.live_positives
            return Constant(round(positives / board.live, 4) if positives else 0.5, "probability")
        case "balanced_accuracy" | "f1":
            return Constant(value=True, kind="boolean")
        case "auc":
            return Constant(0.5, "probability")
    middle = float(Fraction(board.baseline)) if board.baseline else _middle(board)
    return None if middle is None else Constant(middle, "number")


def _baseline_of_kind(board: Board) -> Constant | None:
    """The number of the document, or the middle of the strata; else the most frequent value or the share of
    the positive class."""
    if board.predicts == "probability":
        return baseline_of(board.model_copy(update={"metric": "brier"}))
    if board.predicts in ("number", "integer"):
        middle = float(Fraction(board.baseline)) if board.baseline else _middle(board)
        if middle is not None:
            return (
                Constant(round(middle), "integer")
                if board.predicts == "integer"
                else Constant(middle, "number")
            )
    common = baseline_of(board.model_copy(update={"metric": "accuracy"}))
    return common if common is not None and common.kind == board.predicts else None


def plan_of(document: Competition, track: Track) -> BoardPlan:
    """Of the live board: all its phases share one split and one loss. Raises `InvalidInput` ("bad_board",
    "bad_sizes", "board_too_coarse")."""
    return plan_of_phases(document.phases, document.zone, track)


@lru_cache(maxsize=64)
def _plan(form: BoardForm) -> BoardPlan:
    return plan_board(form)


def plan_of_phases(phases: Sequence[Phase], zone: ZoneInfo, track: Track) -> BoardPlan:
    """The same, of parts of a document that is broken elsewhere."""
    board = _board(track)
    limits = track.entries
    days = sum(_days(phase, zone) for phase in phases if phase.kind == "board")
    # a team hands in no more than both limits allow together
    a_day, on_days = (
        (limits.per_day, days) if limits.per_day * days <= limits.in_total else (limits.in_total, 1)
    )
    return _plan(
        BoardForm(
            metric_of(board),
            Sizes(board.live, board.live_positives),
            board.expected_teams,
            a_day,
            on_days,
            Fraction(board.rho),
            Fraction(board.smallest_difference),
            baselines=int(baseline_of(board) is not None),
        )
    )


def split_form(track: Track) -> SplitForm:
    """How the people of the track's target are split. Raises `InvalidInput` ("bad_split")."""
    board = _board(track)
    [target] = [dataset.target for dataset in track.datasets if dataset.target]
    return SplitForm(
        target,
        tuple(
            Stratum(
                stratum.name,
                stratum.people,
                stratum.live,
                stratum.final,
                tuple(stratum.values),
                stratum.at_least,
                stratum.below,
                stratum.positive,
            )
            for stratum in board.strata
        ),
    )


def final_plan(track: Track, entries: int) -> BoardPlan:
    """Of the final, in which so many entries share its loss, each scored once. `entries` is public: one of
    each team. Its step is never refused: nothing is climbed in a final."""
    board = _board(track)
    return _plan(
        BoardForm(
            metric_of(board),
            Sizes(board.final, board.final_positives),
            entries,
            1,
            1,
            Fraction(board.final_rho),
            Fraction(1),
            baselines=0,
        )
    )


def _days(phase: Phase, zone: ZoneInfo) -> int:
    """On how many days of the zone a phase is open, whole or in part."""
    opens, closes = (
        datetime.strptime(text, LOCAL).replace(tzinfo=zone) for text in (phase.opens, phase.closes)
    )
    return ((closes - timedelta(microseconds=1)).date() - opens.date()).days + 1


def _board(track: Track) -> Board:
    if track.board is None:
        raise ValueError("the track has no board")
    return track.board


def _middle(board: Board) -> float | None:
    """The mean of the strata's middles, weighted by their people; None where one has no bounds."""
    total = 0.0
    for one in board.strata:
        if one.at_least is None or one.below is None:
            return None
        total += one.live * (one.at_least + one.below) / 2
    return round(total / board.live, 6)
