"""A real vault that is asked over its doors."""

from asked_vault import asked

__all__ = ["asked"]
