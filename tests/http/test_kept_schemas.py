"""What is kept between the apps of a test process is shared by operations that are alike, and no others."""

from typing import Annotated, Any, Literal

import pytest
from fastapi import Body, FastAPI, Query
from fastapi.testclient import TestClient


def app(default: Any, least: float, choice: Any) -> TestClient:
    made = FastAPI()

    @made.get("/number")
    def number(value: Annotated[float, Query(ge=least)] = default) -> Any:
        return value

    @made.post("/body")
    def body(one: Annotated[choice, Body()], two: Annotated[int, Body(ge=least)]) -> list[Any]:
        return [one, two]

    return TestClient(made)


@pytest.mark.parametrize("least", [0, 5])
def test_each_app_has_the_limits_of_its_own(least: int) -> None:
    for other in (3, least):  # the one before has another limit
        asked = app(1, other, str)
        assert asked.get("/number", params={"value": 4}).status_code == (200 if other <= 4 else 422)
        assert asked.post("/body", json={"one": "a", "two": 4}).status_code == (200 if other <= 4 else 422)
        described = asked.get("/openapi.json").json()
        assert described["paths"]["/number"]["get"]["parameters"][0]["schema"]["minimum"] == other


def test_equal_values_of_other_types_are_not_taken_for_each_other() -> None:
    assert app(1, 0, str).get("/number").text == "1"
    assert app(True, 0, str).get("/number").text == "true"


def test_the_body_of_one_app_is_not_that_of_another() -> None:
    for choice, said, other in ((Literal["a"], "a", "b"), (Literal["b"], "b", "a"), (str, "a", None)):
        asked = app(1, 0, choice)
        assert asked.post("/body", json={"one": said, "two": 1}).json() == [said, 1]
        assert asked.post("/body", json={"one": other, "two": 1}).status_code == 422
        schema = asked.get("/openapi.json").json()["components"]["schemas"]["Body_body_body_post"]
        assert schema["properties"]["one"].get("const") == (None if choice is str else said)
