"""An entry is charged once, scored once, and told once, whatever is killed in between."""

import json
import struct
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from false_alarms import noise_bound
from reviewed_runs import reviewing
from sandbox.budgets import Part, part_account, statement
from sandbox.budgets.tables import reservations
from sandbox.competitions.boards import BoardForm, Metric, MetricKind, Sizes, plan_board
from sandbox.competitions.entries.fits import Board, Entry, require_fits
from sandbox.competitions.entries.model_entry import model_program
from sandbox.competitions.entries.score import EntryTooLarge, Scored, ScoringContext, give_up, score_entry
from sandbox.competitions.entries.values import PartPeople, score_of
from sandbox.database import Database
from sandbox.errors import BudgetExhausted, Conflict, InvalidInput
from sandbox.jobs.model import Interface, Program
from sandbox.jobs.run_folder import empty
from sandbox.privacy import PrivacyLoss
from sandbox.splits import Split, SplitForm, Stratum
from sandbox.standalone.s3 import S3Server
from split_people import SplitStory, open_split_story

FORM = SplitForm(
    "often",
    (
        Stratum("often", 200, 20, 20, values=(True,), positive=True),
        Stratum("seldom", 400, 40, 40, values=(False,)),
    ),
)
RHO = Fraction(1, 2)
INTERFACE = Interface(("age",), {"often": "boolean"})


def safetensors(**arrays: list[float]) -> bytes:
    head, body = {}, b""
    for name, values in arrays.items():
        packed = struct.pack(f"<{len(values)}d", *values)
        places = [len(body), len(body) + len(packed)]
        head[name] = {"dtype": "F64", "shape": [len(values)], "data_offsets": places}
        body += packed
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


GOOD = model_program("m.safetensors", safetensors(coefficients=[1.0], intercept=[-50.0]), INTERFACE)
PLAN = plan_board(
    BoardForm(Metric(MetricKind.BALANCED_ACCURACY), Sizes(60, 20), 1, 1, 3, RHO, Fraction(1), baselines=0)
)


class Ended(Exception):
    """As if the vault had been killed."""


@pytest.fixture
def scoring(database: Database, s3: S3Server, tmp_path: Path) -> tuple[SplitStory, ScoringContext, Split]:
    city = open_split_story(database, s3)  # type: ignore[arg-type]
    city.publish()
    contexts = reviewing(city.story, s3, tmp_path / "runs")
    empty(contexts.runs.folder)
    loss = PrivacyLoss.at_least(RHO)
    split = city.split(FORM, live=loss, final=loss)
    context = ScoringContext(database, city.store, contexts.runs, wait_until=lambda _moment: None)
    return city, context, split


def entry(id: UUID | None = None, program: Program = GOOD) -> Entry:
    return Entry(id or uuid4(), "lake", "wang", program, INTERFACE)


def spent(database: Database, split: Split) -> PrivacyLoss:
    with database.transaction() as tx:
        return statement(tx, part_account(split.id, Part.LIVE)).spent


def test_an_entry_is_charged_and_told_once_whatever_is_killed(
    scoring: tuple[SplitStory, ScoringContext, Split],
) -> None:
    _, context, split = scoring
    board = Board("b/live", split.id, Part.LIVE, PLAN, 30)
    one = entry()

    def killed(_moment: datetime) -> None:
        raise Ended

    # cut off after it was computed, before it was told
    with pytest.raises(Ended):
        score_entry(replace(context, wait_until=killed), board, one)
    assert spent(context.database, split) == PLAN.loss
    told = score_entry(context, board, one)
    assert told == score_entry(context, board, one)
    assert spent(context.database, split) == PLAN.loss
    # it is right for all: the score is 1 but for the noise
    assert told.told.improved and told.interval.holds(1.0)
    with context.database.transaction() as tx:
        where = reservations.c.id == one.id
        assert tx.execute(select(func.count()).select_from(reservations).where(where)).scalar_one() == 1
    # the same id is no other entry
    for other in (replace(one, team="sea"),):
        with pytest.raises(Conflict) as refused:
            score_entry(context, board, other)
        assert refused.value.code == "entry_conflict"
    give_up(context.database, one.id, "system")  # a scored one stays scored
    assert score_entry(context, board, one) == told

    # one that is given up is not scored later, and stays charged
    lost = entry()
    with pytest.raises(Ended):
        score_entry(replace(context, wait_until=killed), board, lost)
    give_up(context.database, lost.id, "system")
    with pytest.raises(Conflict):
        score_entry(context, board, lost)
    assert spent(context.database, split) == PLAN.loss.times(2)
    # a program that answers for nobody has the worst score, which moves no place
    broken = Program("predictor.py", {"predictor.py": "def predict(rows):\n    raise ValueError\n"}, "0" * 64)
    again = score_entry(context, board, entry(program=broken))
    assert isinstance(again, Scored) and not again.told.improved and again.told.place == told.told.place
    with pytest.raises(BudgetExhausted):
        score_entry(context, board, entry())


def test_an_entry_that_loads_too_much_is_told_so_and_stays_charged(
    scoring: tuple[SplitStory, ScoringContext, Split],
) -> None:
    _, context, split = scoring
    board, one = Board("b/live", split.id, Part.LIVE, PLAN, 30), entry()
    small = replace(context, runs=replace(context.runs, memory_bytes=512 * 1024 * 1024))
    with pytest.raises(EntryTooLarge) as refused:
        score_entry(small, board, one)
    assert refused.value.code == "entry_too_large" and refused.value.zh and refused.value.remedy_zh
    assert spent(context.database, split) == PLAN.loss
    with pytest.raises(Conflict) as again:
        score_entry(context, board, one)
    assert again.value.code == "entry_conflict"


def test_what_does_not_fit_a_board_is_refused_before_it_is_charged(
    scoring: tuple[SplitStory, ScoringContext, Split],
) -> None:
    city, _, split = scoring
    board, policy = Board("b/live", split.id, Part.LIVE, PLAN, 30), city.current().policy
    require_fits(board, entry(), split, policy)
    fits = [
        (board, replace(entry(), interface=Interface(("often",), {"often": "boolean"}))),
        (board, replace(entry(), interface=Interface(("person",), {"often": "boolean"}))),
        (board, replace(entry(), interface=Interface(("age",), {"often": "number"}))),
        (board, replace(entry(), interface=Interface(("age",), {"a": "boolean", "b": "boolean"}))),
        (replace(board, limit_seconds=10), entry()),
        (replace(board, predicts="text"), entry()),
        (replace(board, plan=plan_board(replace(PLAN.form, sizes=Sizes(50, 20)))), entry()),
    ]
    for one, other in fits:
        with pytest.raises(InvalidInput) as refused:
            require_fits(one, other, split, policy)
        assert refused.value.zh and refused.value.remedy_zh


def test_an_organisers_function_has_the_noise_of_a_mean() -> None:
    metric = Metric(MetricKind.FUNCTION, function="0.75 * target / prediction")
    plan = plan_board(replace(PLAN.form, metric=metric, sizes=Sizes(60)))
    people = PartPeople(None, [1] * 60, [[True]] * 60)  # type: ignore[arg-type]
    score = score_of(plan, FORM, people, [[1.0]] * 59 + [[0]]).score
    assert abs(score - 59 * 0.75 / 60) < noise_bound(plan.sd)


def test_a_model_of_another_kind_is_no_entry() -> None:
    for name, content, interface in (
        ("m.pickle", b"", INTERFACE),
        ("m.skops", bytes(17 * 2**20), INTERFACE),
        ("m.skops", b"", Interface(("age",), {"a": "number", "b": "number"})),
    ):
        with pytest.raises(InvalidInput) as refused:
            model_program(name, content, interface)
        assert refused.value.code == "bad_model_entry"
