"""Shows how near a dataset's stand-in rows come to what its officer bought, in what people use."""

from typing import Any

import pandas as pd

PARTS = ("quality", "group_means", "correlations", "deciles", "lost", "trained")


class StandInQuality:
    """What is known of stand-in rows; `.document` has it as the vault sent it.

    `kind`: "schema" (from the policy alone: nothing was bought, and all parts are empty) or "dp". Each part
    is a DataFrame. `quality`: how far columns and pairs are from the noisy counts, and whether a pair's
    dependence is kept. `group_means`, `correlations`: by the counts (`bought`, with `error`, 95 %; none
    where noise hides it) and in the rows (`made`). `deciles`: with the ends that noise leaves. `lost`:
    columns of which something is not kept. `trained`: how often a model that learned on the rows is right
    on real ones."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.kind = str(document.get("kind"))

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name not in PARTS:
            raise AttributeError(name)
        rows = self.document.get(name) or []
        if name == "deciles":
            rows = [{"column": each["column"], **decile} for each in rows for decile in each["deciles"]]
        return pd.DataFrame(rows)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *PARTS]

    def __repr__(self) -> str:
        name = f"{self.document.get('dataset')}@{self.document.get('version')}"
        if self.kind != "dp":
            return f"{name}: {self.kind}"
        kept = [each for each in self.document["quality"] if each.get("kept")]
        pairs = [each for each in self.document["quality"] if len(each["columns"]) == 2]
        epsilon = self.document["epsilon"]
        return f"{name}: dp, epsilon {epsilon:.4g}; {len(kept)} / {len(pairs)}: {', '.join(PARTS)}"
