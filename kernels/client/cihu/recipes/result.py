"""What a recipe makes: the table that leaves, and the counts behind it."""

from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True)
class Result:
    """`table` is released; `counts` is for reviewers alone. `files`: other files, by their suffix."""

    table: pd.DataFrame | None
    counts: pd.DataFrame | None = None
    files: dict[str, bytes] = field(default_factory=dict)
