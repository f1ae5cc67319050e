"""Datasets: publish, describe, open."""

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.catalog.model import DatasetPolicy, Version

__all__ = ["DatasetPolicy", "DatasetRepository", "Version"]
