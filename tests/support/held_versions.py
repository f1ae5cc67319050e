"""Opens what is held, as the people of a department do: whoever published answers their items, and a second
officer theirs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live_city import LiveCity


def open_held(published: Mapping[str, Any], send: Callable[..., Any], *, publisher: str, second: str) -> None:
    """`published`: what a publishing answered with. `send(person, method, path, json=)` gives a document."""
    held = published.get("held")
    for person in (publisher, second) if held else ():
        review = send(person, "GET", f"/v1/openings/{held['review']}")
        answers = [
            {"item": item["id"], "yes": True, "note": "looked at by a test"}
            for item in review["items"]
            if item["yours"]
        ]
        if answers:
            review = send(person, "POST", f"/v1/openings/{held['review']}/answers", json={"answers": answers})
        if review["state"] == "opened":
            return
    assert not held, f"still closed: {published}"


def publish_and_open(city: "LiveCity", officer: str, policy: Path, rows: Path) -> dict[str, Any]:
    """Of a city that is up: the answer of the publishing."""
    published = city.visitor(officer).publish(policy, rows)

    def send(person: str, method: str, path: str, **more: Any) -> Any:
        return city.visitor(person).vault(method, path, **more)

    open_held(published, send, publisher=officer, second="tang")
    return published
