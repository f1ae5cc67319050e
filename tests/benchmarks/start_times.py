"""Measures how long it is from handing in a sealed run to its program's first line, beside the process alone.

`make bench-start` prints both; nothing is asserted on.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from statistics import median

import pytest

from asked_vault import AskedVault, asked_vault
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sealed_runs import ran
from workspace import KERNEL_PYTHON

FIRST_LINE = "import time\nbegan = time.time()\nimport sys\nprint(began)\n"
ROUNDS = 5


@pytest.fixture
def asked(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    with asked_vault(postgres, template, s3) as vault, vault.start():
        yield vault


def test_from_handing_in_to_the_first_line(asked: AskedVault, s3: S3Server) -> None:
    dataset, _ = asked.dataset()
    alone, sealed = [], []
    for _ in range(ROUNDS):
        handed = time.time()
        done = subprocess.run([KERNEL_PYTHON, "-c", FIRST_LINE], capture_output=True, text=True, check=True)
        alone.append(float(done.stdout) - handed)
        handed = time.time()
        sealed.append(float(ran(asked, s3, FIRST_LINE, dataset).log.split()[0]) - handed)
    later = median(sealed) - median(alone)
    print(json.dumps({"alone_seconds": alone, "sealed_seconds": sealed, "later_by_seconds": later}))
