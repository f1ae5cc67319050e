"""Released models of the library as files of a sealed run: `name@version` in a submission becomes a folder
that the program may read.

The library itself lies above (sandbox/models); it decides who may use a model, and gives its files.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.database import Transaction
from sandbox.errors import InvalidInput
from sandbox.identity import Principal

MOST_MODELS = 4
NAMED = re.compile(r"([a-z][a-z0-9-]{1,62})@([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class UsedModel:
    """A version of a model that a run reads. `sha256`: of its file."""

    name: str
    version: int
    sha256: str

    @property
    def folder(self) -> str:
        return f"{self.name}@{self.version}"


class Library(Protocol):
    """What a run asks of the model library."""

    def usable(self, tx: Transaction, person: Principal, team: str, name: str, version: int) -> UsedModel:
        """The model, for a run of this team. Raises `NotFound`, `Refused`, `Conflict` for a retired one."""
        ...

    def files(self, model: UsedModel) -> Mapping[str, bytes]:
        """Its file and its card, by name. Raises `Unavailable`."""
        ...


def checked_names(models: Sequence[str]) -> list[tuple[str, int]]:
    """Raises `InvalidInput` for what names no version of a model."""
    matches = [NAMED.fullmatch(one) for one in models]
    if len(models) > MOST_MODELS or len(set(models)) < len(models) or not all(matches):
        raise InvalidInput(
            f"A run reads at most {MOST_MODELS} models, each named once with its version.",
            code="bad_models",
            remedy="models=[high-cost@1]; the library: cihu model list.",
            zh=f"一次运行至多使用 {MOST_MODELS} 个模型，各写一次并注明版本。",
            remedy_zh="例如 models=[high-cost@1]；模型库：cihu model list。",
        )
    return [(match[1], int(match[2])) for match in matches if match is not None]


def models_for(
    tx: Transaction, library: Library | None, person: Principal, team: str, wanted: Sequence[tuple[str, int]]
) -> tuple[UsedModel, ...]:
    """As they may be read now. Raises what `Library.usable` raises."""
    if wanted and library is None:
        raise InvalidInput("This vault has no model library.", remedy="Leave models out.")
    return tuple(library.usable(tx, person, team, *one) for one in wanted) if library is not None else ()
