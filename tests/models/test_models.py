"""A released model gets into the library, and predicts in a seal."""

import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from hashlib import sha256
from math import exp
from pathlib import Path
from time import time

import cihu
import pytest
import uvicorn
from cihu.trial import try_out
from cihu.vault import the_vault
from fastapi import FastAPI
from sqlalchemy import select, update

from released_models import competition_context, model_context, model_file, new_model, released_model
from reviewed_runs import Reviewing, reviewing
from sandbox.audit.tables import openings
from sandbox.errors import CihuError
from sandbox.jobs import RunContext
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.claim import claim
from sandbox.jobs.endpoints import document_of
from sandbox.jobs.model import Run, RunState
from sandbox.jobs.read import load_run
from sandbox.jobs.run_folder import empty
from sandbox.jobs.submit import submit
from sandbox.jobs.worker import Worker
from sandbox.models.endpoints import reading
from sandbox.models.library import list_models
from sandbox.models.predict import predict
from sandbox.models.register import register_model
from sandbox.models.retire import retire_model
from sandbox.models.schemas import RetireModel
from sandbox.models.sealed_use import SealedLibrary
from sandbox.models.tables import models
from sandbox.policy import Refused
from sandbox.standalone.s3 import S3Server
from story import Story


@pytest.fixture
def city(story: Story, s3: S3Server, tmp_path: Path) -> Reviewing:
    return reviewing(story, s3, tmp_path)


def refused(deed: object, *given: object) -> str:
    with pytest.raises(CihuError) as error:
        deed(*given)  # type: ignore[operator]
    assert error.value.zh
    assert error.value.code == "no_permit" or (error.value.remedy and error.value.remedy_zh)
    return error.value.code


def test_a_released_model_is_registered_and_predicts(city: Reviewing) -> None:
    context, competitions, wang = model_context(city), competition_context(city), city.principal("wang")
    losses = "".join(f"{n % 2},{0.3 + n % 7 / 10},600\n" for n in range(400))
    run = released_model(city, counts=f"member,loss,n\n{losses}".encode())
    model = register_model(context, competitions, wang, new_model(run))
    assert (model["version"], model["team"], model["maintainer"]) == (1, "lake", "wang")
    assert model["lineage"]["run"] == run and model["lineage"]["inputs"][0]["dataset"] == "clinic.visits"
    privacy = model["privacy"]
    assert privacy["source"] == "released_file" and privacy["membership"] is not None
    assert privacy["released_bits"] and privacy["weight_bits"]

    # what is predicted is what the released file says, whose numbers have as many bits as their grade allows
    rows = [{"visits": 2, "cost": 3.0}, {"visits": 0, "cost": 0}]
    made = predict(context, wang, "high-cost", 1, rows)["predictions"]
    assert [one["high"] for one in made] == pytest.approx([1 / (1 + exp(-0.375)), 1 / (1 + exp(-0.125))])

    # who may, and what is found
    assert refused(predict, context, city.principal("song"), "high-cost", 2, rows) == "model_not_found"
    assert refused(predict, context, city.principal("gu"), "high-cost", 1, rows) == "no_permit"
    assert refused(register_model, context, competitions, wang, new_model(run)) == "model_registered"
    with city.story.database.transaction() as tx:
        assert [one["name"] for one in list_models(tx, search="COSTLY 费用", dataset="clinic.visits")] == [
            "high-cost"
        ]
        assert list_models(tx, search="weather") == []

    # what is not fit for it is no model of the library
    other = new_model(run, name="other", columns=["visits"])
    assert refused(register_model, context, competitions, wang, other) == "model_does_not_fit"
    nowhere = new_model(run, name="other", path="other.safetensors")
    assert refused(register_model, context, competitions, wang, nowhere) == "model_not_released"
    stranger = new_model(run, name="other", maintainer="lin")
    assert refused(register_model, context, competitions, wang, stranger) == "maintainer_not_in_team"

    # it ends with notice
    soon = RetireModel(reason="a better one is there", last_day=date(2020, 1, 1))
    assert refused(retire_model, context, wang, "high-cost", 1, soon) == "notice_too_short"
    retiring = retire_model(context, wang, "high-cost", 1, RetireModel(reason="a better one is there"))
    assert retiring["status"] == "retiring"
    assert predict(context, wang, "high-cost", 1, rows)["predictions"] == made

    # whatever it does with a row, a model that gives no prediction is refused alike
    beyond = released_model(city, model_file(1e300, 1e300))
    wanted = new_model(beyond, name="beyond", predicts={"next": "number"})
    register_model(context, competitions, wang, wanted)
    assert refused(predict, context, wang, "beyond", 1, [{"visits": 2, "cost": 1e300}]) == "model_failed"


PROGRAM = """
import cihu, json, os
name = "high-cost@1"
found = {"names": list(cihu.models), "bytes": cihu.models.path(name).read_bytes().hex()}
found["licence"] = cihu.models.card(name)["card"]["licence"]
try:
    cihu.models.path(name).write_bytes(b"")
except OSError:
    found["readonly"] = True
try:
    cihu.models.path("other@1")
except cihu.CihuError as error:
    found["other"] = error.code
(cihu.outbox / "found.json").write_text(json.dumps(found))
"""


TRIED = """
import os, pathlib
found = pathlib.Path(os.environ["CIHU_MODELS"], "high-cost@1")
assert sorted(os.listdir(found)) == ["card.json", "model.safetensors"]
assert (found / "model.safetensors").stat().st_size == SIZE
"""


@contextmanager
def kernels_vault(city: Reviewing, folder: Path) -> Iterator[dict[str, str]]:
    """The library over a socket, and what a kernel of wang's finds of it in its environment."""
    library, wang = city.runs.library, city.principal("wang")
    assert isinstance(library, SealedLibrary)
    app = FastAPI()
    app.include_router(reading(library, authenticate=lambda: wang))
    path = str(folder / "s")
    server = uvicorn.Server(uvicorn.Config(app, uds=path, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    claims = urlsafe_b64encode(json.dumps({"exp": int(time()) + 3600}).encode()).decode().rstrip("=")
    (folder / "token").write_text(f"x.{claims}.x")
    yield {"CIHU_SOCKET": path, "CIHU_TOKEN_FILE": str(folder / "token"), "HOME": str(folder)}
    server.should_exit = True
    thread.join(60)


def test_a_trial_finds_the_model_as_the_run_does(
    city: Reviewing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, competitions, wang = model_context(city), competition_context(city), city.principal("wang")
    model = register_model(context, competitions, wang, new_model(released_model(city)))
    the_vault.cache_clear()
    with kernels_vault(city, tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        program = {"main.py": TRIED.replace("SIZE", str(model["size"]))}
        assert try_out(program, "main.py", [], 20.0, models=["high-cost@1"]).status == 0
        assert cihu.models.card("high-cost@1")["card"]["licence"] == "CC BY 4.0"
        with pytest.raises(cihu.CihuError):
            cihu.models.path("high-cost@2")
    the_vault.cache_clear()


def test_a_sealed_run_reads_a_model_of_its_team(city: Reviewing) -> None:
    context, wang, database = model_context(city), city.principal("wang"), city.story.database
    content = model_file(0.5, -0.25, intercept=0.125)
    register_model(context, competition_context(city), wang, new_model(released_model(city, content)))
    empty(city.runs.folder)

    def submitted(*models: str, person: str = "wang", runs: RunContext = city.runs) -> Run:
        return submit(
            runs,
            principal=city.principal(person),
            name="costs",
            entry="main.py",
            files={"main.py": PROGRAM},
            inputs=["clinic.visits"],
            limit_seconds=10,
            models=models,
        )

    assert refused(submitted, "high-cost@2") == "model_not_found"
    for wrong in (["high-cost"], ["high-cost@1"] * 2, ["../x@1"], [f"m-{n}@1" for n in range(5)]):
        assert refused(submitted, *wrong) == "bad_models"
    officer = replace(city.principal("lin"), teams=frozenset({"reed"}))
    library = city.runs.library
    assert isinstance(library, SealedLibrary)
    with pytest.raises(Refused), database.transaction() as tx:  # not for a run of another team
        library.usable(tx, officer, "reed", "high-cost", 1)
    assert library.file_for(wang, "high-cost", 1)
    with pytest.raises(Refused):
        library.file_for(officer, "high-cost", 1)

    run, later = submitted("high-cost@1"), submitted("high-cost@1")
    [used] = run.models
    assert (used.name, used.version) == ("high-cost", 1)
    assert run.log_index is not None
    with database.transaction() as tx:
        assert document_of(load_run(tx, run.id), set())["models"] == [{"name": "high-cost", "version": 1}]
        logged = tx.execute(select(openings.c.content).where(openings.c.index == run.log_index)).scalar_one()
    assert f'"models":[{{"name":"high-cost","sha256":"{used.sha256}"' in logged.replace(" ", "")
    claimed = claim(city.runs)
    assert claimed is not None and claimed.run.id == run.id
    never = Cancellation()
    ending = Worker(city.runs)._run_sealed(claimed, never)
    never.close()
    found = json.loads(ending.outbox.files["found.json"])
    assert sha256(bytes.fromhex(found.pop("bytes"))).hexdigest() == used.sha256
    assert found == {
        "names": ["high-cost@1"], "licence": "CC BY 4.0", "readonly": True, "other": "not_a_model",
    }  # fmt: skip

    # a retired one is read by no run, also of those that wait
    with database.transaction() as tx:
        tx.execute(update(models).values(last_day=date(2020, 1, 1), retired_reason="a better one is there"))
    assert refused(submitted, "high-cost@1") == "model_retired"
    assert claim(city.runs) is None
    with database.transaction() as tx:
        assert load_run(tx, later.id).state is RunState.CANCELLED
