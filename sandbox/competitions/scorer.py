"""Scores the entries of the queue, one at a time: claimed, scored on its split, written down.

A thread of the vault. Whoever enters wakes it. What the vault's end cut off is queued again at its start, and
goes on from where its loss was charged.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from sandbox.budgets import Part
from sandbox.catalog.model import DatasetPolicy
from sandbox.competitions.baselines import TEAM, WaitingBaseline, note_baseline, waiting_baselines
from sandbox.competitions.board_plans import baseline_of
from sandbox.competitions.boards import Place, Told
from sandbox.competitions.charged_entries import charged, scoring_id
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition, Track
from sandbox.competitions.entries.fits import Board, Entry, require_fits
from sandbox.competitions.entries.linear import FILE, MODEL_SECONDS, linear_of
from sandbox.competitions.entries.model_entry import model_bytes, model_interface, model_program
from sandbox.competitions.entries.score import EntryTooLarge, ScoringContext, score_entry
from sandbox.competitions.queue import ClaimedEntry, claim, cut_off, note_failure, note_not_run, sweep
from sandbox.competitions.record import VAULT, advance_all, document_of
from sandbox.competitions.scores import note_told, plan_for
from sandbox.competitions.set_up import split_of
from sandbox.competitions.tables import competitions
from sandbox.competitions.teams import members_of
from sandbox.database import Transaction
from sandbox.errors import CihuError, Conflict, InvalidInput, NotFound, Unavailable
from sandbox.jobs.model import Interface, Run
from sandbox.jobs.read import load_run
from sandbox.operations.maintenance import maintenance_at
from sandbox.splits import load_split

LOGGER = logging.getLogger("cihu.competitions")
PATIENCE_SECONDS = 30.0
"""Between two looks at what the clock alone changes: phases that close, scorers that were cut off."""


class Scorer:
    """`start` it once, `wake` it when something was queued, `stop` it."""

    def __init__(self, context: CompetitionContext, scoring: ScoringContext) -> None:
        self.context, self.scoring = context, scoring
        self._woken, self._stopping = threading.Event(), False
        self._thread: threading.Thread | None = None

    @property
    def served(self) -> CompetitionContext:
        """The context of what people do: their entries are looked at, and wake the scorer."""
        return replace(self.context, admit=self.admit, entered=self.wake)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="competition scorer", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self) -> None:
        """An entry that is being scored is queued again at the next start."""
        self._stopping = True
        self.wake()

    def admit(
        self, tx: Transaction, row: Row[object], track: Track, team: int, content: Mapping[str, Any]
    ) -> int:
        """Look at an entry before it is taken, and give its limit in seconds. Raises `InvalidInput`,
        `NotFound`, `Conflict`: it is not queued, and costs nothing."""
        board, entry = self._entry(tx, str(row.name), track, team, content, final=False, id=0, admits=True)
        split = load_split(self.context.database, board.split)
        policy = self.context.repository.version(tx, split.dataset, split.number).policy
        require_fits(board, entry, split, policy)
        known = {name for dataset in track.datasets for name in dataset.features}
        if outside := [name for name in entry.interface.columns if name not in known]:
            raise InvalidInput(
                f"The column {outside[0]} is no feature of the track {track.id}.",
                code="bad_entry",
                remedy=f"Use some of {', '.join(sorted(known))}.",
                zh=f"栏目 {outside[0]} 不是赛道 {track.id} 的特征。",
                remedy_zh=f"可用：{'、'.join(sorted(known))}。",
            )
        return board.limit_seconds

    def score_next(self) -> bool:
        """Score the next entry, if one waits. Whatever fails ends this entry, and never the scorer."""
        claimed = claim(self.context)
        if claimed is None:
            return False
        try:
            told = self._told(claimed) or self._scored(claimed)
        except Unavailable:
            cut_off(self.context, claimed)
        except EntryTooLarge:
            note_failure(self.context, claimed, "memory")
        except CihuError as error:
            LOGGER.warning("entry %s has no score: %s", claimed.id, error.code)
            note_not_run(self.context, claimed)
        except Exception as error:  # noqa: BLE001  # of whatever kind
            # without its words: they could hold data
            LOGGER.error("entry %s was cut off: %s", claimed.id, type(error).__name__)  # noqa: TRY400
            cut_off(self.context, claimed)
        else:
            note_told(self.context, claimed, told)
        return True

    def score_baseline(self) -> bool:
        """Score a baseline, if one waits that can be scored. One that is cut off holds up no other, and is
        tried again later."""
        with self.context.database.transaction() as tx:
            held_up = maintenance_at(tx, self.context.clock()) is not None
            waiting = [] if held_up else waiting_baselines(tx)
        for baseline in waiting:
            if self._stopping:
                break
            try:
                self._score_baseline(baseline)
            except Exception as error:  # noqa: BLE001  # of whatever kind: without its words, as for entries
                LOGGER.warning(
                    "the baseline of %s/%s is tried again later: %s",
                    baseline.competition,
                    baseline.track,
                    error.code if isinstance(error, CihuError) else type(error).__name__,
                )
            else:
                return True
        return False

    def _score_baseline(self, baseline: WaitingBaseline) -> None:
        """Raises `Unavailable` where it has to be tried again."""
        with self.context.database.transaction() as tx:
            track = self._document(tx, baseline.competition).track(baseline.track)
            constant = baseline_of(track.board) if track is not None and track.board is not None else None
            split = split_of(tx, baseline.competition, baseline.track)
            assert track is not None and constant is not None and split is not None, "it was queued by these"
            plan = plan_for(tx, baseline.competition, baseline.track, final=False)
        board = Board(f"{baseline.competition}/{baseline.track}/live", split, Part.LIVE, plan, MODEL_SECONDS)
        features = next(one.features for one in track.datasets if one.target)
        entry = Entry(
            baseline.scoring_id,
            TEAM,
            VAULT,
            constant.program,
            Interface((features[0],), {"baseline": constant.kind}),
            evaluated=constant,
        )
        told = None
        try:
            told = score_entry(self.scoring, board, entry).told
        except Unavailable:
            raise
        except CihuError as error:
            LOGGER.warning("the baseline of %s has no score: %s", board.key, error.code)
        note_baseline(self.context, baseline, plan, told)

    def _told(self, claimed: ClaimedEntry) -> Told | None:
        """The place that it got before the vault ended, and that was not noted."""
        with self.context.database.transaction() as tx:
            row = charged(tx, [claimed.id]).get(claimed.id)
        return Told(Place(row.place), row.improved) if row is not None and row.state == "scored" else None

    def _scored(self, claimed: ClaimedEntry) -> Told:
        with self.context.database.transaction() as tx:
            track = self._document(tx, claimed.competition).track(claimed.track)
            assert track is not None
            board, entry = self._entry(
                tx,
                claimed.competition,
                track,
                claimed.entered_as,
                claimed.content,
                by=claimed.person,
                final=claimed.final,
                id=claimed.id,
            )
        return score_entry(self.scoring, board, entry).told

    def _work(self) -> None:
        again = False
        cut_off_before = True  # what the vault's end cut off is queued again
        while not self._stopping:
            try:
                sweep(self.context, all_running=cut_off_before)
                cut_off_before = False
                advance_all(self.context)
                # a baseline that cannot be scored holds no entry back
                again = not self._stopping and (self.score_next() or self.score_baseline())
            except CihuError as error:  # such as a database that is away: looked at again later
                LOGGER.warning("entries are not scored now: %s", error.code)
                again = False
            except Exception as error:  # noqa: BLE001  # the thread lives on
                LOGGER.error("entries are not scored now: %s", type(error).__name__)  # noqa: TRY400
                again = False
            if not again and not self._stopping:
                self._woken.wait(PATIENCE_SECONDS)
                self._woken.clear()

    def _document(self, tx: Transaction, name: str) -> Competition:
        text = select(competitions.c.text).where(competitions.c.name == name)
        return document_of(tx.execute(text).scalar_one())

    def _entry(
        self,
        tx: Transaction,
        name: str,
        track: Track,
        team: int,
        content: Mapping[str, Any],
        *,
        final: bool,
        id: int,
        by: str = "",
        admits: bool = False,
    ) -> tuple[Board, Entry]:
        """An entry's program is text that its team holds: what it tells of train people the team knows.
        `team`: as which it was entered, whatever it was merged into; `by`: who entered it. `admits`: the
        author of its run must be of the team now; whoever leaves later leaves the entry to the team."""
        split = split_of(tx, name, track.id)
        if split is None:
            raise Conflict(
                f"The people of the track {track.id} are not split yet.",
                code="track_not_split",
                remedy="Wait until the organiser has set the board up.",
                zh=f"赛道 {track.id} 的人群尚未划分。",
                remedy_zh="请等待主办方完成设置。",
            )
        if "model" in content:
            interface = model_interface(content)
            program = model_program(FILE, model_bytes(content), interface)
        else:
            run = _run(tx, str(content.get("run", "")), {one.person for one in members_of(tx, team)}, admits)
            assert run.interface is not None
            program, interface, by = run.program, run.interface, run.submitted_by
        evaluated = linear_of(program, interface, self._policy(tx, split) if admits else None)
        phase = "final" if final else "live"
        return (
            Board(
                key=f"{name}/{track.id}/{phase}",
                split=split,
                part=Part.FINAL if final else Part.LIVE,
                plan=plan_for(tx, name, track.id, final=final),
                limit_seconds=track.entries.seconds if evaluated is None else MODEL_SECONDS,
                predicts=(track.board.predicts if track.board is not None else None) or "",
            ),
            Entry(scoring_id(id), str(team), by, program, interface, evaluated=evaluated),
        )

    def _policy(self, tx: Transaction, id: UUID) -> DatasetPolicy:
        split = load_split(self.context.database, id)
        return self.context.repository.version(tx, split.dataset, split.number).policy


def _run(tx: Transaction, id: str, team: set[str], admits: bool) -> Run:  # noqa: FBT001
    """A predictor's run; that of one of the team, where it is admitted. Raises `NotFound`."""
    try:
        run = load_run(tx, UUID(id))
    except ValueError:
        raise _no_predictor() from None
    if run.interface is None or (admits and run.submitted_by not in team):
        raise _no_predictor()
    return run


def _no_predictor() -> NotFound:
    return NotFound(
        "Nobody of your team submitted such a predictor.",
        code="predictor_not_found",
        remedy="Submit one (kind: predictor in cihu.yaml), and enter with the id of its run.",
        zh="您的团队没有提交过该预测程序。",
        remedy_zh="请先提交预测程序（cihu.yaml 中 kind: predictor），再以其运行编号参赛。",
    )
