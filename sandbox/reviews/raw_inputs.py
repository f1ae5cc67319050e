"""Builds what is known of a run's raw rows when its outputs are checked: digests, made when a reviewer opens
the review, kept in memory."""

import io
import secrets
from functools import lru_cache

import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.disclosure.raw_values.raw_values import RawValues
from sandbox.storage import RawStore

KEPT = 8


class RawInputs:
    """The last few runs' inputs, by their versions.
    Nobody but this process has the digests' key, and it ends with it."""

    def __init__(self, store: RawStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self.of = lru_cache(maxsize=KEPT)(self._of)

    def forget(self) -> None:
        """Let go of all digests: the rows of a dataset were erased."""
        self.of.cache_clear()

    def _of(self, versions: tuple[Version, ...]) -> RawValues:
        return RawValues(
            [
                (
                    pyarrow.parquet.read_table(
                        io.BytesIO(self._store.get(version.object_name, version.object_version))
                    ),
                    version.policy,
                )
                for version in versions
            ],
            self._key,
        )
