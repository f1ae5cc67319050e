"""The titles that the city's policies give to populations, kinds of identifiers and code lists."""

from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sandbox.catalog.populations import read_populations

Titles = dict[str, dict[str, str]]
"""By name or id, in both languages."""


def population_titles(policies: Path) -> Titles:
    """Raises `InvalidInput` if the file is not good."""
    document = _load((policies / "populations.yaml").read_text("utf-8"))
    return {name: document[name].get("title", {}) for name in read_populations(policies)}


@cache
def seen_titles(policies: Path) -> Titles:
    """Of what is recognised in a column: kinds of identifiers, and code lists."""
    rules = _load((policies / "identifiers.yaml").read_text("utf-8"))
    titles: Titles = {kind["id"]: kind["title"] for kind in rules["kinds"]}
    titles["free_text"] = rules["free_text"]["title"]
    for path in sorted((policies / "codes").glob("*.yaml")):
        text = path.read_text("utf-8")
        # the title stands before thousands of codes, which take long to read
        head = _load(text.partition("\nsource:")[0])
        titles[path.stem] = head["title"] if "title" in head else _load(text)["title"]
    return titles


def _load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)
