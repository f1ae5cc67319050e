"""The services and settings that declared queries need."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.declared.rules import CellRules
from sandbox.declared.unit_digests import UnitDigests
from sandbox.engines import Engine


@dataclass(frozen=True)
class DeclaredContext:
    """The engine that counts on raw rows, the key of the units' digests, and the rules of each grade."""

    engine: Engine
    digests: UnitDigests
    rules: Callable[[str], CellRules]
