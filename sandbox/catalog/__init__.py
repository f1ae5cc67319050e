"""Datasets: publish, describe, open."""

from sandbox.catalog.dataset_repository import Shelf
from sandbox.catalog.model import DatasetPolicy, Version

__all__ = ["DatasetPolicy", "Shelf", "Version"]
