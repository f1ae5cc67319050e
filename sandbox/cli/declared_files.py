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


def described_of(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The outputs that a run's program described, as they are declared. Raises `InvalidInput` without any."""
    files = [{name: one[name] for name in ("path", *WORDS)} for one in run["outputs"]]
    if not files:
        raise InvalidInput(
            "The program described no outputs (cihu.out).",
            remedy="Say in a YAML file which files to release.",
            zh="程序没有用 cihu.out 描述输出。",
            remedy_zh="请用 YAML 文件说明要放行的文件。",
        )
    return files
