"""`cihu.stand_in_quality`: what the vault tells of stand-in rows, as DataFrames."""

import pandas as pd
import pytest
from cihu.stand_in_quality import PARTS, StandInQuality

BOUGHT = {
    "dataset": "clinic.visits",
    "version": 1,
    "kind": "dp",
    "epsilon": 1.0,
    "quality": [
        {"columns": ["a"], "distance": 0.1, "noise": 0.1},
        {"columns": ["a", "b"], "distance": 0.1, "noise": 0.1, "kept": True},
        {"columns": ["a", "c"], "distance": 0.1, "noise": 0.1, "kept": False},
    ],
    "group_means": [
        {"key": "a", "values": [1], "column": "b", "bought": None, "error": None, "made": 2.0},
        {"key": "a", "values": [2], "column": "b", "bought": 2.5, "error": 0.5, "made": 2.0},
    ],
    "correlations": [],
    "deciles": [
        {"column": "b", "deciles": [{"share": 0.1, "bought": 1, "at_least": 0, "at_most": 2, "made": 1}]}
    ],
    "lost": [{"column": "c", "why": ["only_emptiness"]}],
}


def test_each_part_is_a_frame_and_the_whole_says_what_it_is() -> None:
    quality = StandInQuality(BOUGHT)
    assert list(quality.group_means["made"]) == [2.0, 2.0] and quality.group_means["error"].isna().any()
    assert quality.deciles.loc[0, "column"] == "b" and quality.deciles.loc[0, "at_most"] == 2
    assert "epsilon 1" in repr(quality) and "1 / 2" in repr(quality)
    assert set(PARTS) <= set(dir(quality))
    with pytest.raises(AttributeError):
        _ = quality.nothing


def test_rows_from_the_policy_alone_have_no_figures() -> None:
    quality = StandInQuality({"dataset": "a.b", "version": 2, "kind": "schema"})
    assert quality.kind == "schema" and repr(quality) == "a.b@2: schema"
    assert all(isinstance(getattr(quality, part), pd.DataFrame) for part in PARTS)
    assert all(getattr(quality, part).empty for part in PARTS)
