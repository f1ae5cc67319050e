"""The vault that is asked over HTTP, for tests of what an analyst is told."""

from asked_vault import asked

__all__ = ["asked"]
