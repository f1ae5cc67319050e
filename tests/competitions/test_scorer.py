"""A board is set up; entries are scored in seals on live people, the final on others; all is verified."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select

from competition_story import DOCUMENT, NAME, Contest, local, safetensors
from reviewed_runs import reviewing
from sandbox.audit import Log, Signer
from sandbox.competitions import finals, queue, set_up, teams
from sandbox.competitions import team_entries as entries
from sandbox.competitions.board_view import read_board
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.entries.model_entry import model_program
from sandbox.competitions.entries.score import ScoringContext, _begun
from sandbox.competitions.entries.tables import scored_entries
from sandbox.competitions.public_record import read_record
from sandbox.competitions.record import document_of
from sandbox.competitions.scorer import Scorer
from sandbox.competitions.tables import competition_baselines
from sandbox.competitions.verify import verify_record
from sandbox.database import Database
from sandbox.errors import CihuError
from sandbox.identity import join_team
from sandbox.jobs.model import Interface, Program, Run, RunKind
from sandbox.jobs.run_folder import empty
from sandbox.jobs.submit import queue as submit_run
from sandbox.splits import load_split
from sandbox.splits.left_earlier import left_earlier
from sandbox.standalone.s3 import S3Server
from split_people import NAME as DATASET
from split_people import POLICY, open_split_story, people_csv
from story import POLICIES

STRATA = (
    "[{name: often, people: 200, live: 20, final: 20, values: [true], positive: true}, "
    "{name: seldom, people: 400, live: 40, final: 40, values: [false]}]"
)
BOARD = (
    f'board: {{metric: balanced_accuracy, strata: {STRATA}, rho: "0.5", final_rho: "0.5", '
    'smallest_difference: "1", expected_teams: 2}'
)


def board_document() -> str:
    lines = DOCUMENT.splitlines(keepends=True)
    text = "".join(f"    {BOARD}\n" if "    board:" in line else line for line in lines)
    text = text.replace("dataset: clinic.visits", f"dataset: {DATASET}").replace(
        "target: smoker", "target: 常去"
    )
    text = text.replace("features: [district, year, cost]", "features: [年龄]").replace(
        "account_days: 30", "account_days: 0"
    )
    text = text.replace("kinds: [program]", "kinds: [program, model]")
    start, end = text.index("  - id: design"), text.index("teams: {largest")
    text = text.replace("seconds: 60, compute", "seconds: 30, compute")
    return "\n".join(line for line in (text[:start] + text[end:]).splitlines() if "kind: jury" not in line)


def in_chinese(text: str) -> str:
    """The columns as a city names them."""
    for name, own in (("age", "年龄"), ("often", "常去")):
        text = re.sub(rf"(?m)(?<![.\w]){name}(?=[,:]|$)", own, text)
    return text


def killed_before_it_is_noted(scorer: Scorer) -> None:
    for _ in range(queue.MOST_ATTEMPTS):
        claimed = queue.claim(scorer.context)
        assert claimed is not None
        scorer._scored(claimed)
        assert queue.sweep(scorer.context, all_running=True) == 1


def cut_off(scorer: Scorer, id: int, run: str, split: UUID, *, for_good: bool) -> None:
    """Charged at the first attempt, and cut off at it, or at each."""
    track = document_of(board_document()).track("smoking")
    assert track is not None
    for again in (True, False) if for_good else (True,):
        claimed = queue.claim(scorer.context)
        assert claimed is not None
        with scorer.context.database.transaction() as tx:
            board, entry = scorer._entry(
                tx, NAME, track, claimed.entered_as, {"run": run}, final=False, id=id
            )
            _begun(tx, scorer.scoring, board, entry, load_split(scorer.context.database, split))
        assert queue.cut_off(scorer.context, claimed) is again


def test_entries_are_scored_on_people_that_nobody_else_reads(  # noqa: PLR0915  # one story
    database: Database, s3: S3Server, tmp_path: Path
) -> None:
    city = open_split_story(database, s3)  # type: ignore[arg-type]
    city.story.publish(in_chinese(people_csv().decode()).encode(), in_chinese(POLICY.format(name=DATASET)))
    contexts = reviewing(city.story, s3, tmp_path / "runs")
    empty(contexts.runs.folder)
    contest = Contest(city.story)
    bare = CompetitionContext(
        database,
        city.story.repository,
        city.story.gate,
        POLICIES,
        city.store,
        clock=lambda: contest.now,
    )
    scoring = ScoringContext(database, city.store, contexts.runs, wait_until=lambda _moment: None)
    scorer = Scorer(bare, scoring)
    contest.__dict__["context"] = context = scorer.served
    grant = city.story.grant(dataset=DATASET)
    contest.announced(board_document())
    contest.now = local("03-05")
    _, invitation = contest.form("wang", "lake")
    contest.people("sun")
    contest.join("sun", invitation)
    good = model_program(
        "m.safetensors",
        safetensors(coefficients=[1.0], intercept=[-50.0]),
        Interface(("年龄",), {"常去": "boolean"}),
    )

    def submitted(person: str, program: Program = good) -> Run:
        return submit_run(
            contexts.runs,
            principal=contest.person(person),
            kind=RunKind.PROGRAM,
            name="model",
            program=program,
            versions=[city.story.repository.usable(DATASET)],
            environment_sha256="0" * 64,
            limit_seconds=60,
            team="lake",
            predictor=Interface(("年龄",), {"常去": "boolean"}),
        )

    run = submitted("wang")
    assert grant.live

    def enter(content: str, person: str = "wang") -> int:
        entry, _ = entries.enter(
            context,
            contest.person(person),
            NAME,
            track="smoking",
            kind="program",
            content={"run": content},
            note="",
            outside_data="",
        )
        return entry["id"]

    def code(deed: object) -> str:
        with pytest.raises(CihuError) as told:
            deed()  # type: ignore[operator]
        return told.value.code

    assert code(lambda: enter(str(run.id))) == "track_not_split"
    lin = contest.person("lin")
    assert set_up.list_left(context, lin, NAME, "smoking") == []
    [split] = set_up.make_split(context, lin, NAME, "smoking")
    assert (split["live"], split["final"], split["state"]) == (60, 60, "committed") and "seed" not in split
    assert code(lambda: set_up.make_split(context, lin, NAME, "smoking")) == "track_split"
    assert code(lambda: enter("nothing")) == "predictor_not_found"
    # one that cannot be scored waits, and holds up no other
    with database.transaction() as tx:
        broken = {"competition": NAME, "track": "nothing", "state": "waiting"}
        tx.execute(insert(competition_baselines).values(queued_at=local("03-01"), **broken))
    assert scorer.score_baseline() and not scorer.score_baseline()
    with database.transaction() as tx:
        tx.execute(delete(competition_baselines).where(competition_baselines.c.track == "nothing"))
    assert read_board(context, NAME, "smoking")["baseline"]["value"] == "true"
    entry = enter(str(run.id))
    # killed after its place was told and before it was noted, however often: it is told, and not free
    killed_before_it_is_noted(scorer)
    assert code(lambda: entries.cancel_entry(context, contest.person("wang"), NAME, entry)) == "entry_begun"
    assert scorer.score_next() and not scorer.score_next()
    shown = entries.read_entry(context, contest.person("wang"), NAME, entry)
    assert shown["state"] == "scored" and float(shown["score"]["high"]) > 0.6
    board = read_board(context, NAME, "smoking")
    assert board["people"] == 60 and board["lines"][0]["name"] == "lake"
    # a program that is called for each person, and a model that comes by itself, read the same columns
    contest.now = local("03-06")
    text = "def predict(rows):\n    return rows['年龄'] > 50\n"
    program = Program("predictor.py", {"predictor.py": text}, sha256(text.encode()).hexdigest())
    called = enter(str(submitted("wang", program).id))
    assert scorer.score_next()
    brought, _ = entries.enter(
        context,
        contest.person("wang"),
        NAME,
        track="smoking",
        kind="model",
        content={
            "model": b64encode(safetensors(coefficients=[1.0], intercept=[-50.0])).decode(),
            "columns": ["年龄"],
            "predicts": "boolean",
        },
        note="",
        outside_data="",
    )
    assert scorer.score_next()
    for id in (called, brought["id"]):
        shown = entries.read_entry(context, contest.person("wang"), NAME, id)
        assert shown["state"] == "scored" and float(shown["score"]["high"]) > 0.6
    contest.now = local("03-07")
    # one that was charged, and is given up, counts against its team
    second = enter(str(run.id))
    cut_off(scorer, second, str(run.id), UUID(split["split"]), for_good=True)
    lost = entries.read_entry(context, contest.person("wang"), NAME, second)
    assert (lost["state"], lost["failure"], lost["counts"]) == ("failed", "interrupted", True)
    # one that was charged, and waits when its team ends, does not become free
    contest.people("yun")
    contest.form("yun", "reed")
    with database.transaction() as tx:
        join_team(tx, team_id="lake", account_id="yun", by="system")  # of the city, whose grant is used
    own = str(submitted("yun").id)
    third = enter(own, "yun")
    cut_off(scorer, third, own, UUID(split["split"]), for_good=False)
    teams.withdraw(context, contest.person("yun"), NAME, "")
    gone = entries.read_entry(context, contest.person("yun"), NAME, third)
    assert (gone["state"], gone["failure"], gone["counts"]) == ("failed", "interrupted", True)
    # who leaves later leaves the entry to the team
    teams.leave(context, contest.person("wang"), NAME)
    contest.now = local("03-30", "18:00")
    finals.open_final(context, lin, NAME)
    assert scorer.score_next()
    with database.transaction() as tx:
        assert sorted(tx.scalars(select(scored_entries.c.part))) == [
            *("final", "live", "live", "live", "live", "live"),
            "live",  # the baseline
        ]
    [result], _, _, _ = finals.publish_result(context, lin, NAME)
    assert result["lines"][0]["entry"] == entry and result["lines"][0]["amount_fen"] == 1000000
    log = Log(database, Signer(tmp_path / "log"))
    record = json.loads(json.dumps(read_record(context, log, NAME), default=str))
    proven = verify_record(record, log.public_key)
    assert proven.faults == () and proven.scores == 4
    assert code(lambda: set_up.open_splits(context, lin, NAME)) == "wrong_competition_state"
    contest.now = local("04-20")
    [opened] = set_up.open_splits(context, lin, NAME)
    assert opened["state"] == "opened" and opened["seed"]
    # what was told of it is listed for who would hold people of the same dataset back again
    with database.transaction() as tx:
        left = [one.name for one in left_earlier(tx, [DATASET])]
        charged = tx.scalars(select(scored_entries.c.id))
        assert {f"entry:{one}" for one in charged} == {name for name in left if name.startswith("entry:")}
