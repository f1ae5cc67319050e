"""The vault dies or ends in the middle of a run: what had begun is finished and never begins again, what waited runs."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from altered import altered
from asked_vault import AskedVault
from sandbox.city.s3 import S3Server
from sealed_runs import await_state, hand_in, left_by, look, ran

LONG = "import time\nopen('/outbox/begun', 'w').write('b')\ntime.sleep(600)\n"
SHORT = "open('/outbox/done', 'w').write('d')\n"


def inside(vault: AskedVault) -> set[int]:
    """The processes into which a run's folder of this vault is bound."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{vault.home.name}/runs/" in (process / "mountinfo").read_text():
                found.add(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_had_begun_is_finished_as_interrupted_and_one_that_waited_runs(how: signal.Signals, mortal_vault: AskedVault,
                                                                                  s3: S3Server) -> None:
    one_place = {"CIHU_RUN_PLACES": "1"}
    with mortal_vault.start(one_place) as process:
        dataset, _ = mortal_vault.dataset()
        begun, waiting = hand_in(mortal_vault, LONG, dataset, limit=60), hand_in(mortal_vault, SHORT, dataset)
        await_state(mortal_vault, begun, "running")
        until = time.monotonic() + 30
        while len(inside(mortal_vault)) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)  # processes come to be; nobody tells
        os.kill(process.pid, how)
        process.wait(30)
        while inside(mortal_vault):
            assert time.monotonic() < until + 30, "a run outlived its vault"
            time.sleep(0.02)
        rows_left = list((mortal_vault.home / "runs").rglob("*.parquet"))
        assert rows_left == [], "rows never lie on a disk"
    with mortal_vault.start(one_place):
        ended = await_state(mortal_vault, begun, "finished")
        assert look(mortal_vault, waiting)["state"] in ("queued", "running")
        left = left_by(mortal_vault, s3, begun)
        assert left.exit["ended"] == "interrupted" and left.made == {} and ended["started_at"]
        await_state(mortal_vault, waiting, "finished")
        assert left_by(mortal_vault, s3, waiting).made == {"done": b"d"}
        assert list((mortal_vault.home / "runs").iterdir()) == []
        assert mortal_vault.kinds().count("run.started") == 2, "neither began twice"
        assert mortal_vault.kinds().count("run.finished") == 2
        assert mortal_vault.log().verify_whole().faults == ()


def test_a_vault_told_to_seal_with_gvisor_takes_no_run_without_it(mortal_vault: AskedVault, tmp_path: Path) -> None:
    hidden = altered(tmp_path / "site", {"sandbox.seals.gvisor": "PLACES = '/nowhere'"})
    with mortal_vault.start({"CIHU_RUN_SEAL": "gvisor", **hidden}):
        dataset, _ = mortal_vault.dataset()
        refused = mortal_vault.person("wang").send("POST", "/v1/runs", json={
            "name": "x", "files": {"main.py": "pass"}, "inputs": [dataset], "limit_seconds": 10})
        assert refused.status_code == 503 and "runsc" in refused.json()["detail"], refused.text


@pytest.mark.skipif(shutil.which("runsc") is None, reason="Debian: apt-get install runsc")
def test_a_vault_told_to_seal_with_gvisor_runs_on_its_kernel(mortal_vault: AskedVault, s3: S3Server) -> None:
    with mortal_vault.start({"CIHU_RUN_SEAL": "gvisor"}):
        dataset, _ = mortal_vault.dataset()
        left = ran(mortal_vault, s3, "import os, platform\nprint(platform.release(), os.listdir('/data'))\n" + SHORT, dataset)
        assert left.log == f"4.4.0 ['{dataset}.parquet']\n" and left.made == {"done": b"d"}, left
