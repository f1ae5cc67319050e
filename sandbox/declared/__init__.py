"""Declared queries: exact counts that the vault computes itself, and the units behind every released
number."""

from sandbox.declared.check import How, Overlap, overlaps
from sandbox.declared.compute import compute
from sandbox.declared.context import DeclaredContext
from sandbox.declared.read_query import DeclaredQuery, read_query
from sandbox.declared.rules import CellRules
from sandbox.declared.unit_digests import UnitDigests

__all__ = [
    "CellRules",
    "DeclaredContext",
    "DeclaredQuery",
    "How",
    "Overlap",
    "UnitDigests",
    "compute",
    "overlaps",
    "read_query",
]
