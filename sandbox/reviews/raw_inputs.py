"""Builds what is known of a run's raw rows when its outputs are checked: digests and columns of each version,
made once and kept in memory.

That takes seconds for each hundred thousand rows. So it begins when a reviewer sees the queue of reviews, in
a thread beside it, and is there or nearly so when one of them is opened. A team's request never starts it:
how long that takes depends on nothing.
"""

import io
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet

from sandbox.catalog import Version
from sandbox.disclosure.raw_values.raw_values import KnownVersion, RawValues, known_of
from sandbox.jobs.inputs import read_shown_rows
from sandbox.storage import RawStore

KEPT = 8
log = logging.getLogger("cihu.reviews")


class RawInputs:
    """The versions that were looked at last.
    Nobody but this process has the digests' key, and it ends with it."""

    def __init__(self, store: RawStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[Version, KnownVersion] = OrderedDict()
        self._forgotten = 0
        self._changes = threading.Lock()
        self._one_at_a_time = threading.Lock()  # two threads would make the same digests twice

    def of(self, versions: tuple[Version, ...]) -> RawValues:
        return RawValues.of([self._of(version) for version in versions])

    def rows(self, version: Version) -> pa.Table:
        """The version's rows, with the columns that its policy shows. Raises `NotFound`, `Unavailable`."""
        return read_shown_rows(self._store, version)

    def prepare(self, versions: Iterable[Version]) -> threading.Thread:
        """Begin to make what is not there, beside whatever else happens."""
        wanted = list(dict.fromkeys(versions))[:KEPT]

        def work() -> None:
            try:
                for version in wanted:
                    self._of(version)
            except Exception as error:  # noqa: BLE001  # whoever opens a review meets it, and is told
                log.warning("what is known of raw rows could not be prepared: %s", type(error).__name__)

        thread = threading.Thread(target=work, name="raw inputs", daemon=True)
        thread.start()
        return thread

    def forget(self) -> None:
        """Let go of all digests: the rows of a dataset were erased. What is being made is not kept."""
        with self._changes:
            self._forgotten += 1
            self._known.clear()

    def _of(self, version: Version) -> KnownVersion:
        with self._one_at_a_time:
            with self._changes:
                if version in self._known:
                    self._known.move_to_end(version)
                    return self._known[version]
                forgotten = self._forgotten
            content = self._store.rows(version)
            made = known_of(pyarrow.parquet.read_table(io.BytesIO(content)), version.policy, self._key)
            with self._changes:
                if forgotten == self._forgotten:
                    self._known[version] = made
                    if len(self._known) > KEPT:
                        self._known.popitem(last=False)
            return made
