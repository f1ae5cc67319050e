"""A vault that is killed in the middle of a release leaves nothing readable and nothing half decided;
the vote can be cast again.

The kills are real (SIGKILL) and at named places: `altered.py` puts them into the process, the product
knows nothing of them.
"""

import signal
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from altered import altered
from asked_vault import AskedVault, asked_vault
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, hand_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WANTED = {
    "path": "t.csv",
    "statbarn": "frequencies",
    "context": "visits by district",
    "controls": "no cell under 10",
}
PROGRAM = "open('/outbox/t.csv', 'w').write('district,n\\n')\n"
DEADLY = """
    import os as _os, signal as _signal
    def _die_at(place):
        try:
            with open({where!r}) as file:
                named = file.read().strip()
        except FileNotFoundError:
            return
        if named == place:
            _os.kill(_os.getpid(), _signal.SIGKILL)
    _copied, _appended = copy_files, append
    def copy_files(*given, **more):
        copied = _copied(*given, **more)
        _die_at("after the copy")
        return copied
    def append(tx, event, **more):
        index = _appended(tx, event, **more)
        if event.kind == "output.released":
            _die_at("after the log, before the commit")
        return index
"""


@pytest.fixture(scope="module")
def vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    with asked_vault(postgres, template, s3) as made:
        yield made


@pytest.mark.parametrize("place", ["after the copy", "after the log, before the commit"])
def test_a_crash_between_copy_and_commit_leaves_nothing_readable(
    place: str, vault: AskedVault, tmp_path: Path
) -> None:
    where = tmp_path / "at"
    with vault.start(
        altered(tmp_path / "site", {"sandbox.reviews.decide": dedent(DEADLY).format(where=str(where))})
    ) as process:
        dataset, _ = vault.dataset()
        run = await_state(vault, hand_in(vault, PROGRAM, dataset), "finished")
        said = vault.person("wang").send("POST", f"/v1/runs/{run['id']}/release", json={"files": [WANTED]})
        assert said.status_code == 201, said.text
        (waiting,) = [
            one for one in vault.person("lin").send("GET", "/v1/reviews").json() if one["run"] == run["id"]
        ]
        address, body = (
            f"/v1/reviews/{waiting['id']}/votes",
            {"revision": 1, "votes": [{"path": "t.csv", "vote": "approve"}]},
        )
        assert vault.person("lin").send("POST", address, json=body).status_code == 200
        where.write_text(place)
        with pytest.raises(httpx.TransportError):
            vault.person("zhou").send("POST", address, json=body)
        assert process.wait(120) == -signal.SIGKILL
    assert "output.released" not in vault.kinds()[-4:]
    with vault.start():
        wang, zhou = vault.person("wang"), vault.person("zhou")
        assert wang.send("GET", f"/v1/runs/{run['id']}/files").json()["files"] == []
        assert wang.send("GET", f"/v1/runs/{run['id']}/files/t.csv").status_code == 404
        assert wang.send("GET", f"/v1/runs/{run['id']}").json()["state"] == "finished"
        done = zhou.send("POST", address, json=body)
        assert done.status_code == 200 and done.json()["outcome"] == "released", done.text
        assert wang.send("GET", f"/v1/runs/{run['id']}/files/t.csv").content == b"district,n\n"
    assert vault.log().verify_whole().faults == ()
