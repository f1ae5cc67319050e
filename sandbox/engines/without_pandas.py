"""Lets pyarrow do without pandas, which no service uses until it makes ids of rows (ingest/pandas_hashes.py).

At the first list that becomes an array pyarrow would import it, to see whether the list is one of its series:
half a second and sixty megabytes of each process, also of one that is forked for a table.
"""

import sys
from importlib.abc import MetaPathFinder

USER = "sandbox.ingest.pandas_hashes"


class WithoutPandas(MetaPathFinder):
    """Asked before all other finders."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "pandas" and USER not in sys.modules:  # while it is imported, it is in there already
            raise ModuleNotFoundError("This process does without pandas.", name=name)


def leave_pandas_out() -> None:
    """For this process and those that are forked from it, before anything is computed."""
    sys.meta_path.insert(0, WithoutPandas())
