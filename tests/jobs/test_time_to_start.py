"""How long is it from handing in to the program's first line?
Less than a second more than for the process alone."""

import json
import subprocess
import time
from statistics import median

import pytest

from asked_vault import AskedVault
from sandbox.standalone.s3 import S3Server
from sealed_runs import ran
from workspace import KERNEL_PYTHON

FIRST_LINE = "import time\nbegan = time.time()\nimport sys\nprint(began)\n"
ROUNDS = 5


@pytest.mark.alone
@pytest.mark.slow
def test_a_sealed_run_starts_within_a_second_more_than_its_process_alone(
    asked: AskedVault, s3: S3Server
) -> None:
    dataset, _ = asked.dataset()
    alone, sealed = [], []
    for _ in range(ROUNDS):
        handed = time.time()
        done = subprocess.run([KERNEL_PYTHON, "-c", FIRST_LINE], capture_output=True, text=True, check=True)
        alone.append(float(done.stdout) - handed)
        handed = time.time()
        sealed.append(float(ran(asked, s3, FIRST_LINE, dataset).log.split()[0]) - handed)
    print(json.dumps({"alone_seconds": alone, "sealed_seconds": sealed}))
    assert median(sealed) - median(alone) < 1
