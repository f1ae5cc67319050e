"""The organiser's calculator: from people, teams, limit, days and rho, how small a difference will be seen.

All numbers are public and chosen before a competition opens. A board whose step exceeds what the organiser
wants to see is refused, with what would do.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

from sandbox.competitions.boards.intervals import Interval, Precision, interval
from sandbox.competitions.boards.ladder import Ladder, Place, least_step
from sandbox.competitions.boards.metrics import Metric
from sandbox.competitions.boards.noise import entry_loss
from sandbox.competitions.boards.sizes import Sizes
from sandbox.errors import InvalidInput
from sandbox.privacy import PrivacyLoss

MOST_ENTRIES = 100_000


@dataclass(frozen=True)
class BoardForm:
    """What an organiser decides. `rho` is what all scored entries of all teams may cost together;
    `wanted` the step that is coarse enough still, in the score's unit of [0, 1]; `baselines` are entries of
    the organiser's own; `disagreement` the share of people on whom two good entries differ."""

    metric: Metric
    sizes: Sizes
    teams: int
    entries_a_day: int  # of each team
    days: int
    rho: Fraction
    wanted: Fraction
    baselines: int = 1
    disagreement: float = 0.2
    confidence: float = 0.95


@dataclass(frozen=True)
class BoardPlan:
    """What follows. Scores are in [0, 1], losses in zCDP.

    `sd`: of the noise of one score. `step`: of the Ladder. `visible`: the smallest true difference of two
    teams that is seen with the form's confidence, for all pairs of teams at once: noise and sampling of
    people on whom they differ, and never below the step."""

    form: BoardForm
    entries: int
    entries_of_team: int
    loss: PrivacyLoss  # of one entry
    sd: float
    step: Fraction
    visible: float
    levels: int

    @property
    def ladder(self) -> Ladder:
        return Ladder(self.step)

    @property
    def precision(self) -> Precision:
        form = self.form
        return Precision(form.metric, form.sizes, self.loss, self.entries_of_team, form.confidence)

    def interval(self, place: Place) -> Interval:
        """Of the true score of the entry that got this place; simultaneously for all entries of a team."""
        return interval(self.precision, *self.ladder.range_of(place))


def plan_board(form: BoardForm) -> BoardPlan:
    """Raises `InvalidInput`: "bad_board" for numbers that make no board, "board_too_coarse" where the step
    exceeds what is wanted."""
    of_team = form.entries_a_day * form.days
    entries = form.teams * of_team + form.baselines
    _require_numbers(form, entries)
    loss = entry_loss(form.rho, entries)
    if not loss.picorho:
        raise _bad("Each entry's share of rho rounds to nothing.", "每次提交分得的 rho 不足一个单位。")
    sd = Precision(form.metric, form.sizes, loss, of_team).sd
    step = least_step(sd)
    if step > form.wanted:
        raise _too_coarse(form, entries, step)
    ladder = Ladder(step)
    pairs = max(1, form.teams * (form.teams - 1) // 2)
    z = NormalDist().inv_cdf(1 - (1 - form.confidence) / (2 * pairs))
    people = min(form.sizes.classes) if form.metric.of_classes else form.sizes.people
    visible = max(float(step), z * math.sqrt(2 * sd**2 + form.disagreement / people))
    return BoardPlan(
        form,
        entries,
        of_team,
        loss,
        sd,
        step,
        visible,
        ladder.levels,
    )


def _require_numbers(form: BoardForm, entries: int) -> None:
    counts = (form.teams, form.entries_a_day, form.days)
    if min(counts) < 1 or form.baselines < 0 or entries > MOST_ENTRIES:
        raise _bad(
            f"A board takes 1 to {MOST_ENTRIES} entries in all, of at least one team, on at least one day.",
            f"榜单总提交次数须为 1 至 {MOST_ENTRIES}，至少一队、一天。",
        )
    if not (form.rho > 0 and 0 < form.wanted <= 1):
        raise _bad(
            "rho must be above 0, and the wanted step above 0 and at most 1.",
            "rho 须大于 0；期望步长须大于 0 且不超过 1。",
        )
    if not (0 <= form.disagreement <= 1 and 0.5 <= form.confidence < 1):
        raise _bad(
            "The disagreement is a share of 0 to 1, and the confidence at least 0.5 and below 1.",
            "分歧比例须在 0 到 1 之间；置信度须不低于 0.5 且小于 1。",
        )


def _bad(message: str, zh: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="bad_board",
        remedy="Correct the number in the form.",
        zh=zh,
        remedy_zh="请改正表单中的数字。",
    )


def _too_coarse(form: BoardForm, entries: int, step: Fraction) -> InvalidInput:
    # sd grows with the root of the entries, and falls with the people and the root of rho
    ratio = float(form.wanted / step) ** 2
    fewer, more_rho = math.floor(entries * ratio), float(form.rho) / ratio
    more_people = math.ceil(form.sizes.people / math.sqrt(ratio))
    ways = [
        (
            f"score {more_people} people instead of {form.sizes.people}",
            f"把人数由 {form.sizes.people} 增到 {more_people}",
        ),
        (
            f"spend rho {more_rho:.3g} instead of {float(form.rho):.3g}",
            f"把 rho 由 {float(form.rho):.3g} 增到 {more_rho:.3g}",
        ),
    ]
    if fewer > form.baselines:  # one team's one entry at least
        ways.insert(
            0,
            (
                f"allow at most {fewer} entries in all instead of {entries}",
                f"把总提交次数由 {entries} 减到 {fewer}",
            ),
        )
    if step <= 1:
        ways.append(("accept the step", "接受该步长"))
    remedy = ", or ".join(en for en, _ in ways)
    return InvalidInput(
        f"The board's step would be {float(step):.3g}: smaller differences than that are not seen, and "
        f"{float(form.wanted):.3g} is wanted.",
        code="board_too_coarse",
        remedy=f"{remedy[0].upper()}{remedy[1:]}.",
        zh=f"榜单步长将为 {float(step):.3g}，更小的差别看不出来，而期望的是 {float(form.wanted):.3g}。",
        remedy_zh=f"请{'，或'.join(zh for _, zh in ways)}。",
    )
