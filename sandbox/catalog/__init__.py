"""Datasets: publish, describe, open."""

from sandbox.catalog.model import DatasetPolicy, Version
from sandbox.catalog.shelf import Shelf

__all__ = ["DatasetPolicy", "Shelf", "Version"]
