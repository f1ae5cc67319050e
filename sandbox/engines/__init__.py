"""The engines that run a plan's SQL: on raw rows, in processes of their own, giving whole numbers and nothing
else."""

from sandbox.engines.model import Cells, Engine, UnitsByValue

__all__ = ["Cells", "Engine", "UnitsByValue"]
