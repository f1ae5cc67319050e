"""The engines that run a plan's SQL: on raw rows, in processes of their own, giving whole numbers and nothing
else."""

from sandbox.engines.duckdb import DuckDBEngine
from sandbox.engines.model import Cells, Engine, UnitsByValue
from sandbox.engines.process import EngineProcesses

__all__ = ["Cells", "DuckDBEngine", "Engine", "EngineProcesses", "UnitsByValue"]
