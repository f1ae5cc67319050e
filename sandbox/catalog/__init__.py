"""Datasets: publish, describe, open. What is imported here is light: an engine's processes import it, too."""

from sandbox.catalog.model import DatasetPolicy, Version

__all__ = ["DatasetPolicy", "Version"]
