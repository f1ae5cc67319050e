"""Reads what an analyst says of the files that are to leave: YAML, a file's path and below it its words.

visits.csv:
  statbarn: mean
  context: Mean visits of adults by the share of the bill that they pay
  controls: Each person counts once, counts are rounded to 10
  counts: visits_n.csv      # only if the counts stand in a file of their own
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox.errors import InvalidInput

WORDS = ("statbarn", "context", "controls", "counts")


def read_declared(wish: Path) -> list[dict[str, Any]]:
    """Each file's words, with its `path`. Raises `InvalidInput`."""
    try:
        said = YAML(typ="safe", pure=True).load(wish.read_text("utf-8"))
        return [{"path": str(path), **words} for path, words in said.items()]
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, TypeError) as error:
        raise InvalidInput(
            f"{wish} does not say which files to release.",
            remedy=f"For each file: its path, below it {', '.join(WORDS[:3])} and, if there are any, counts.",
        ) from error
