"""A released model gets into the library, and predicts in a seal."""

from datetime import date
from math import exp
from pathlib import Path

import pytest

from released_models import competition_context, model_context, model_file, new_model, released_model
from reviewed_runs import Reviewing, reviewing
from sandbox.errors import CihuError
from sandbox.models.library import list_models
from sandbox.models.predict import predict
from sandbox.models.register import register_model
from sandbox.models.retire import retire_model
from sandbox.models.schemas import RetireModel
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
