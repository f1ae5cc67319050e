"""The organiser's calculator over a whole document: what each board will show, also while other parts of the
document are wrong."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.competitions.board_plans import plan_of_phases
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Phase, Track
from sandbox.competitions.entries.linear import MODEL_SECONDS
from sandbox.competitions.function_examples import examples_of
from sandbox.competitions.schemas import BoardPlanDocument
from sandbox.errors import CihuError, InvalidInput
from sandbox.jobs.predict_people import seconds_a_person
from sandbox.policy import YamlText
from sandbox.privacy import PrivacyLoss, epsilon_told

HOUR = 3600
USUAL_DELTA = Fraction(1, 10**6)


def plans_of_text(context: CompetitionContext, text: str) -> list[BoardPlanDocument]:
    """Of each board whose numbers go together; none for a text that is no YAML."""
    try:
        document = YamlText(text, None, what="The competition").document
    except InvalidInput:
        return []
    return list(_plans(context, document))


def _plans(context: CompetitionContext, document: Any) -> Iterator[BoardPlanDocument]:
    # a broken part is told as a fault (read_document); here its board has no plan
    with suppress(KeyError, TypeError, ValueError, AttributeError, OSError):
        phases = [Phase.model_validate(one) for one in document["phases"]]
        zone = ZoneInfo(document.get("time_zone", "Asia/Shanghai"))
        for each in document["tracks"]:
            with suppress(KeyError, TypeError, ValueError, AttributeError, ArithmeticError, InvalidInput):
                track = Track.model_validate(each)
                if track.board is not None:
                    yield _plan(context, phases, zone, track)


def _plan(
    context: CompetitionContext, phases: list[Phase], zone: ZoneInfo, track: Track
) -> BoardPlanDocument:
    board = track.board
    assert board is not None
    plan, delta = plan_of_phases(phases, zone, track), _delta(context, track)
    seconds = seconds_a_person(track.entries.seconds, max(board.live, board.final))
    shown = BoardPlanDocument(
        track=track.id,
        people=board.live,
        final_people=board.final,
        entries=plan.entries,
        entries_of_team=plan.entries_of_team,
        sd=f"{plan.sd:.6f}",
        step=f"{float(plan.step):g}",
        visible=f"{plan.visible:.4f}",
        epsilon=f"{epsilon_told(PrivacyLoss.at_most(Fraction(board.rho)), delta, 2):.2f}",
        delta=f"{float(delta):g}",
        seconds_a_person=f"{seconds:.3f}",
        programs_an_hour=context.slots * HOUR // track.entries.seconds,
        linear_models_an_hour=context.slots * HOUR // MODEL_SECONDS,
    )
    if examples := examples_of(board):
        shown["examples"] = examples
    return shown


def _delta(context: CompetitionContext, track: Track) -> Fraction:
    """Of the dataset with the target."""
    with suppress(CihuError):
        for dataset in track.datasets:
            if dataset.target:
                budget = context.policy_of(dataset.dataset, dataset.version).budget
                return Fraction(budget.delta) if budget is not None else USUAL_DELTA
    return USUAL_DELTA
