"""Each kind of entry has its own field, and a file of another kind is refused before it costs anything."""

import json
from base64 import b64decode

import numpy as np
import pytest
from starlette.datastructures import FormData

from marketplace.portal.pages.competition_manage import deed_of
from marketplace.portal.pages.competition_team import SentEntry, entry_of
from sandbox.errors import InvalidInput


def linear(columns: int) -> bytes:
    """A safetensors file."""
    shapes = {"coefficients": (0, 8 * columns, columns), "intercept": (8 * columns, 8 * columns + 8, 1)}
    head = {
        name: {"dtype": "F64", "shape": [size], "data_offsets": [begin, end]}
        for name, (begin, end, size) in shapes.items()
    }
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + np.ones(columns + 1).tobytes()


def entered(*files: SentEntry, **typed: str):
    """Neither the competition nor the vault is asked before the files are read."""
    return entry_of(None, None, "wang", FormData({"track": "t"} | typed), list(files))  # type: ignore[arg-type]


def test_a_linear_model_is_an_entry_with_its_columns() -> None:
    file = SentEntry("model", "m.safetensors", linear(2))
    entry = entered(file, columns="age，female", model_predicts="boolean")
    assert entry["kind"] == "model" and entry["content"]["columns"] == ["age", "female"]
    assert b64decode(entry["content"]["model"]) == file.content


@pytest.mark.parametrize(
    ("files", "typed", "code"),
    [
        ([SentEntry("program", "model.json", b"{}")], {}, "bad_entry_file"),
        ([SentEntry("model", "model.json", b"{}")], {"columns": "age"}, "bad_entry_file"),
        ([SentEntry("document_file", "a.pdf", b"%PDF")], {"kind": "document"}, "bad_entry_file"),
        ([SentEntry("other", "a.py", b"")], {}, "bad_entry_file"),
        ([SentEntry("program", "a.py", b""), SentEntry("model", "m.safetensors", b"")], {}, "bad_entry_file"),
        ([], {"run": "12; x"}, "bad_entry_file"),
        ([], {}, "bad_entry_file"),
        ([SentEntry("model", "m.safetensors", linear(2))], {}, "bad_model_entry"),
        (
            [SentEntry("model", "m.safetensors", linear(2))],
            {"columns": "age", "model_predicts": "boolean"},
            "bad_model_entry",
        ),
        (
            [SentEntry("model", "m.safetensors", b"{}")],
            {"columns": "age", "model_predicts": "number"},
            "bad_model_entry",
        ),
    ],
)
def test_another_file_is_refused_with_what_to_send(files, typed, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        entered(*files, **typed)
    assert refused.value.code == code and refused.value.remedy_zh


@pytest.mark.parametrize("typed", ["../../grants/1", "１２", "7/x", "", "-1"])
def test_what_is_no_number_leads_to_no_other_address(typed: str) -> None:
    given = FormData([("team", typed), ("appeal", typed), ("reason", "a reason")])
    assert deed_of("disqualify", given) == ("/teams/0/disqualify", {"reason": "a reason"})
    assert deed_of("look", given) == ("/appeals/0/looks", {"upheld": False, "reason": "a reason"})
