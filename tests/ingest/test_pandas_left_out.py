"""A service starts without pandas, and makes the ids of rows all the same."""

import subprocess
import sys

import pytest

STARTED = """
import sys
from sandbox.engines.without_pandas import leave_pandas_out
import {service}

assert "pandas" not in sys.modules, "imported at the start"
leave_pandas_out()
import pyarrow as pa

pa.array([1.5, None])  # here pyarrow looks whether pandas is there
assert "pandas" not in sys.modules
from sandbox.ingest.units import _hashed

print(_hashed(pa.array(["a", None, "磁湖"])).tolist(), _hashed(pa.array([0, 7])).tolist())
"""

# as of the release that imported pandas at the start: ids are kept from version to version
KNOWN = "[13950350942979735504, 15111065706836454659, 4914037844473936708] [0, 1346066267577507604]\n"


@pytest.mark.parametrize("service", ["sandbox.vault.app", "marketplace.app"])
def test_a_service_starts_without_pandas(service: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STARTED.format(service=service)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == KNOWN
