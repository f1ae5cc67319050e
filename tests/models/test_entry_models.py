"""The model of an entry gets into the library once its result is published, and no other program does."""

from base64 import b64encode
from pathlib import Path
from uuid import UUID

import pytest

from competition_story import DOCUMENT, NAME, Contest, local
from released_models import CARD, model_context, model_file
from reviewed_runs import Reviewing, reviewing
from sandbox.competitions import finals, queue
from sandbox.competitions import team_entries as entries
from sandbox.competitions.boards import NoisyScore
from sandbox.competitions.entries.model_entry import model_program
from sandbox.competitions.scores import note_told, plan_for
from sandbox.errors import CihuError
from sandbox.identity import join_team
from sandbox.jobs.model import Interface
from sandbox.jobs.predictor import ENTRY, as_document
from sandbox.jobs.submit import submit
from sandbox.models.predict import predict
from sandbox.models.register import register_model
from sandbox.models.schemas import ModelCard, NewModel
from sandbox.models.sources import model_of_program
from sandbox.standalone.s3 import S3Server
from story import Story

INTERFACE = Interface(("visits", "cost"), {"smokes": "probability"})


@pytest.fixture
def city(story: Story, s3: S3Server, tmp_path: Path) -> Reviewing:
    return reviewing(story, s3, tmp_path)


def submitted(city: Reviewing, files: dict[str, str]) -> UUID:
    return submit(
        city.runs,
        principal=city.principal("wang"),
        name="a predictor",
        entry=ENTRY,
        files=files,
        inputs=["clinic.visits"],
        limit_seconds=10,
        interface=as_document(INTERFACE),
    ).id


def enter(contest: Contest, run: UUID) -> int:
    entry, _ = entries.enter(
        contest.context,
        contest.person("wang"),
        NAME,
        track="smoking",
        kind="program",
        content={"run": str(run)},
        note="",
        outside_data="",
    )
    return int(entry["id"])


def score_all(contest: Contest) -> None:
    """As the scorer does, with one noisy score."""
    while (claimed := queue.claim(contest.context)) is not None:
        with contest.story.database.transaction() as tx:
            plan = plan_for(tx, NAME, claimed.track, final=claimed.final)
        assert note_told(contest.context, claimed, plan.ladder.tell(None, NoisyScore(0.8)))


def test_a_winners_model_is_registered(city: Reviewing) -> None:
    contest = Contest(city.story)
    text = DOCUMENT.replace("account_days: 30", "account_days: 0")
    contest.announced(text.replace("kinds: [program]", "kinds: [program, model]"))
    contest.people("yun")
    contest.now = local("03-05")
    contest.form("wang", "lake")
    contest.form("yun", "reed")
    model = model_program("m.safetensors", model_file(0.5, -0.25), INTERFACE)
    entry = enter(contest, submitted(city, dict(model.files)))
    brought, _ = entries.enter(
        contest.context,
        contest.person("yun"),
        NAME,
        track="smoking",
        kind="model",
        content={
            "model": b64encode(model_file(0.25, -0.5)).decode(),
            "columns": ["visits", "cost"],
            "predicts": "probability",
        },
        note="",
        outside_data="",
    )

    context, wang = model_context(city), city.principal("wang")

    def register(number: int, name: str = "smokers") -> dict[str, object]:
        wanted = NewModel(
            name=name,
            card=ModelCard(**CARD),  # type: ignore[arg-type]
            competition=NAME,
            entry=number,
        )
        return dict(register_model(context, contest.context, wang, wanted))

    def refused(number: int) -> str:
        with pytest.raises(CihuError) as error:
            register(number)
        assert error.value.remedy and error.value.zh and error.value.remedy_zh
        return error.value.code

    assert refused(entry) == "entry_without_result"
    assert refused(99) == "entry_not_found"
    score_all(contest)
    contest.now = local("03-30", "18:00")
    lin = contest.person("lin")
    finals.open_final(contest.context, lin, NAME)
    score_all(contest)
    finals.publish_result(contest.context, lin, NAME)

    made = register(entry)
    lineage, privacy = made["lineage"], made["privacy"]
    assert isinstance(lineage, dict) and isinstance(privacy, dict)
    assert (lineage["competition"], lineage["entry"], lineage["place"]) == (NAME, entry, 1)
    assert (privacy["source"], privacy["released_bits"]) == ("released_answers", None)
    assert made["predicts"] == {"smokes": "probability"} and made["team"] == "lake"

    # a linear model that was handed in by itself becomes that of a team that holds all who entered
    yun = NewModel(name="reeds", card=ModelCard(**CARD), competition=NAME, entry=brought["id"])  # type: ignore[arg-type]
    for wanted in (yun, yun.model_copy(update={"team": "lake"})):
        with pytest.raises(CihuError) as error:
            register_model(context, contest.context, contest.person("yun"), wanted)
        assert error.value.code == "model_team" and error.value.zh and error.value.remedy_zh
    with contest.story.database.transaction() as tx:
        join_team(tx, team_id="lake", account_id="yun", by="system")
    reeds = register_model(context, contest.context, contest.person("yun"), yun)
    assert reeds["team"] == "lake" and "run" not in reeds["lineage"]
    assert (reeds["lineage"]["entry"], reeds["predicts"]) == (brought["id"], {"predicted": "probability"})
    assert reeds["lineage"]["inputs"] == [{"dataset": "clinic.visits", "version": 1}]
    made = predict(context, contest.person("yun"), "reeds", 1, [{"visits": 2, "cost": 1}])["predictions"]
    assert made == [{"predicted": 0.5}]

    # a program that does more than our own with the model is not the model that was scored
    wrapped = dict(model.files) | {ENTRY: model.files[ENTRY] + "predict = lambda rows: rows.visits * 0\n"}
    run = city.run(submitted(city, wrapped))
    with pytest.raises(CihuError) as error:
        model_of_program(run)
    assert error.value.code == "entry_is_program" and error.value.remedy_zh
