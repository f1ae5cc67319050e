"""Model files that would execute something, or take more than a call may, give no prediction.

Source: skops, "Secure persistence with skops": a type that is not trusted must not be loaded; and pickles in
model hubs that ran code when they were loaded (JFrog, 2024).
"""

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

from made_files import skops_file
from released_models import model_file
from sandbox.errors import Conflict
from sandbox.jobs import RunContext
from sandbox.jobs.model import Interface
from sandbox.models.context import ModelContext
from sandbox.models.evaluate import evaluate
from workspace import CHECKOUT, KERNEL_PYTHON

COLUMNS = [{"name": "visits", "type": "integer", "required": True}]


def context(folder: Path) -> ModelContext:
    """With a seal, and without database, bucket or rules: an evaluation has none of them."""
    nothing = cast("Any", None)
    runs = RunContext(
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        folder=folder,
        python=KERNEL_PYTHON,
        lock=CHECKOUT / "kernels" / "requirements.lock",
    )
    return ModelContext(runs, nothing)


def predicted(folder: Path, path: str, content: bytes) -> list[dict[str, Any]]:
    return evaluate(
        context(folder),
        path=path,
        content=content,
        columns=COLUMNS,
        interface=Interface(("visits",), {"next": "number"}),
        table=pa.table({"visits": pa.array([1, 2], pa.int64())}),
    )


def test_a_type_that_is_not_trusted_is_not_loaded(tmp_path: Path) -> None:
    assert predicted(tmp_path, "m.safetensors", model_file(2.0)) == [{"next": 2.0}, {"next": 4.0}]
    for path, content in (
        ("m.skops", skops_file(("posix", "system"))),
        ("m.safetensors", b"\x80\x04\x95cposix\nsystem\n"),
    ):
        with pytest.raises(Conflict) as error:
            predicted(tmp_path, path, content)
        assert error.value.code == "model_failed"
    assert list(tmp_path.iterdir()) == []
