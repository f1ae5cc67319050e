"""The vault dies or ends at any step of a run: nothing is told early, and what was cut off is run again,
once."""

import json
import os
import shutil
import signal
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

import httpx
import pytest
from sqlalchemy import select

from altered import altered
from asked_vault import AskedVault
from deaths import deeds
from sandbox.audit.tables import entries, openings
from sandbox.jobs.tables import runs
from sandbox.standalone.s3 import S3Server
from sealed_runs import await_state, hand_in, left_by, ran

CLOCKS_APART = timedelta(seconds=1)
RUN_AGAIN = ["run.submitted", "run.started", "run.interrupted", "run.started", "run.finished"]
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


# a limit that a test can wait for; its end is told three seconds after it
QUICK = """
    LIMITS_SECONDS = (4, *LIMITS_SECONDS)
    GRACE_SECONDS, COLLECTING_SECONDS, FREEZING_SECONDS, LATE_SECONDS = 3, 1, 6, 6
    """
# a run may be cut off by the deaths of others too, on a machine that is slow
PATIENT = {"sandbox.jobs.finish": "MOST_INTERRUPTIONS = 100"}
# each place is of the run that has its name: others go on until the vault is dead
DYING = {
    "sandbox.jobs.submit": """
        _queued = queue
        def queue(desk, **more):
            run = _queued(desk, **more)
            if run.name == "submitted":
                _die_at("submitted")
            return run
        """,
    "sandbox.jobs.claim": """
        _started = _start
        def _start(tx, run, **more):
            if run.name == "claimed":
                _die_at("claimed")
            return _started(tx, run, **more)
        """,
    "sandbox.jobs.worker": """
        from threading import local as _local
        _here = _local()
        _performed, _put, _finish = Worker._perform, put_files, finish
        def _perform(self, claimed, bell):
            _here.name = claimed.run.name
            if _here.name == "started":
                _die_at("started")
            done = _performed(self, claimed, bell)
            if _here.name == "outbox read":
                _die_at("outbox read")
            return done
        Worker._perform = _perform
        def put_files(*given):
            stored = _put(*given)
            if _here.name == "quarantined":
                _die_at("quarantined")
            return stored
        def finish(*given):
            done = _finish(*given)
            if _here.name == "told":
                _die_at("told")
            return done
        """,
}
PLACES = ("submitted", "claimed", "started", "outbox read", "quarantined", "told")
# after the death; else it had begun
STATES = {"submitted": "queued", "claimed": "queued", "told": "finished"}


def quick(folder: Path) -> dict[str, str]:
    return altered(folder, {"sandbox.jobs.disclosure_time": QUICK, **PATIENT})


def deadly(folder: Path) -> dict[str, str]:
    lines = {module: deeds(folder) + dedent(text) for module, text in DYING.items()}
    return altered(folder, {"sandbox.jobs.disclosure_time": QUICK, **PATIENT, **lines})


def events(vault: AskedVault, run_id: str) -> list[tuple[str, datetime]]:
    """What the log tells of a run, in its order, and when."""
    with vault.story.database.transaction() as tx:
        rows = tx.execute(
            select(entries.c.entry, openings.c.content)
            .join(openings, openings.c.index == entries.c.index)
            .order_by(entries.c.index)
        ).all()
    found = []
    for entry, content in rows:
        if f"run:{run_id}" in str(content):
            told = json.loads(entry)
            found.append((str(told["kind"]), datetime.fromisoformat(told["time"])))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_vault_killed_at_any_step_of_a_run_tells_nothing_early_and_runs_it_again(
    mortal_vault: AskedVault, s3: S3Server, tmp_path: Path
) -> None:
    """One run for each step at which the vault is killed;
    what was cut off by one death waits through the next ones."""
    places = {"CIHU_RUN_PLACES": "16", "CIHU_RUN_MEMORY_MIB": "1536"}
    dataset, due = "", {}
    for place in PLACES:
        with mortal_vault.start(places | deadly(tmp_path)) as process:
            dataset = dataset or mortal_vault.dataset()[0]
            (tmp_path / "at").write_text(place)
            with suppress(httpx.TransportError):
                hand_in(mortal_vault, SHORT, dataset, limit=4, name=place)
            assert process.wait(60) == -signal.SIGKILL, place
        (tmp_path / "at").unlink()
        with mortal_vault.story.database.transaction() as tx:
            row = tx.execute(select(runs).where(runs.c.name == place)).one()
        assert row.state == STATES.get(place, "running")
        due[place] = row
    with mortal_vault.start(places | quick(tmp_path / "quick")):
        for place, row in due.items():
            run = {"id": str(row.id)}
            ended = await_state(mortal_vault, run, "finished", "interrupted")
            cut = ended["interruptions"]
            assert ended["state"] == "finished" and (
                cut == 0 if place == "told" else cut >= (place not in STATES)
            ), place
            told = events(mortal_vault, run["id"])
            assert [kind for kind, _ in told] == [
                "run.submitted",
                *["run.started", "run.interrupted"] * cut,
                "run.started",
                "run.finished",
            ], place
            # by the vault's own moments: the log's entry of a start can be seconds later on a busy machine
            if place not in STATES:
                assert dict(reversed(told))["run.interrupted"] >= row.told_at, (
                    "its interruption was told before its moment"
                )
            # by the clock that the vault waits for: the log's times are of Postgres, which reads its own
            with mortal_vault.story.database.transaction() as tx:
                ended_at = tx.scalar(select(runs.c.ended_at).where(runs.c.id == row.id))
            assert ended_at >= datetime.fromisoformat(ended["told_at"]), "its end was told before its moment"
            early = datetime.fromisoformat(ended["told_at"]) - told[-1][1]
            assert early < CLOCKS_APART, f"{place}: its end was logged {early} before its moment"
            left = left_by(mortal_vault, s3, run)
            assert left.made == {"done": b"d"} and left.exit["ended"] == "itself", place
        assert list((mortal_vault.home / "runs").iterdir()) == []
        assert mortal_vault.log().verify_whole().faults == ()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_program_was_cut_off_is_told_so_at_its_moment_and_run_again(
    how: signal.Signals, mortal_vault: AskedVault, s3: S3Server, tmp_path: Path
) -> None:
    one_place = {"CIHU_RUN_PLACES": "1", **quick(tmp_path)}
    with mortal_vault.start(one_place) as process:
        dataset, _ = mortal_vault.dataset()
        begun, waiting = (
            hand_in(mortal_vault, LONG, dataset, limit=10),
            hand_in(mortal_vault, SHORT, dataset, limit=4),
        )
        due = datetime.fromisoformat(await_state(mortal_vault, begun, "running")["told_at"])
        until = time.monotonic() + 120
        while len(inside(mortal_vault)) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)  # processes come to be; nobody tells
        os.kill(process.pid, how)
        process.wait(120)
        while inside(mortal_vault):
            assert time.monotonic() < until + 30, "a run outlived its vault"
            time.sleep(0.02)
        rows_left = list((mortal_vault.home / "runs").rglob("*.parquet"))
        assert rows_left == [], "rows never lie on a disk"
    with mortal_vault.start(one_place):
        await_state(mortal_vault, begun, "finished")
        assert left_by(mortal_vault, s3, begun).exit["ended"] == "time"
        await_state(mortal_vault, waiting, "finished")
        told = events(mortal_vault, begun["id"])
        assert [kind for kind, _ in told] == RUN_AGAIN
        assert dict(told)["run.interrupted"] >= due
        began = events(mortal_vault, waiting["id"])[1][1]
        assert began >= due, "its place was given on before its moment"
        assert left_by(mortal_vault, s3, waiting).made == {"done": b"d"}


# the first claim is committed, and its place is told that the connection broke
LOSING = """
    _claimed, _times = claim, [0]
    def claim(context):
        done = _claimed(context)
        if done is not None:
            _times[0] += 1
            if _times[0] == 1:
                raise ConnectionError
        return done
    LOST_SECONDS, LOOK_SECONDS = 1.0, 1.0
    """


def test_a_run_whose_claim_was_committed_over_a_broken_connection_is_not_lost(
    mortal_vault: AskedVault, s3: S3Server, tmp_path: Path
) -> None:
    losing = altered(tmp_path, {"sandbox.jobs.disclosure_time": QUICK, "sandbox.jobs.worker": LOSING})
    with mortal_vault.start({"CIHU_RUN_PLACES": "1", **losing}):
        dataset, _ = mortal_vault.dataset()
        run = hand_in(mortal_vault, SHORT, dataset, limit=4)
        due = datetime.fromisoformat(await_state(mortal_vault, run, "running")["told_at"])
        await_state(mortal_vault, run, "finished")
        told = events(mortal_vault, run["id"])
        assert [kind for kind, _ in told] == RUN_AGAIN
        assert dict(told)["run.interrupted"] >= due
        assert left_by(mortal_vault, s3, run).made == {"done": b"d"}


def test_a_vault_told_to_seal_with_gvisor_takes_no_run_without_it(
    mortal_vault: AskedVault, tmp_path: Path
) -> None:
    hidden = altered(tmp_path / "site", {"sandbox.seals.gvisor": "PLACES = '/nowhere'"})
    with mortal_vault.start({"CIHU_RUN_SEAL": "gvisor", **hidden}):
        dataset, _ = mortal_vault.dataset()
        refused = mortal_vault.person("wang").send(
            "POST",
            "/v1/runs",
            json={"name": "x", "files": {"main.py": "pass"}, "inputs": [dataset], "limit_seconds": 10},
        )
        assert refused.status_code == 503 and "runsc" in refused.json()["detail"], refused.text


@pytest.mark.skipif(shutil.which("runsc") is None, reason="Debian: apt-get install runsc")
def test_a_vault_told_to_seal_with_gvisor_runs_on_its_kernel(mortal_vault: AskedVault, s3: S3Server) -> None:
    with mortal_vault.start({"CIHU_RUN_SEAL": "gvisor"}):
        dataset, _ = mortal_vault.dataset()
        left = ran(
            mortal_vault,
            s3,
            "import os, platform\nprint(platform.release(), os.listdir('/data'))\n" + SHORT,
            dataset,
        )
        assert left.log == f"4.4.0 ['{dataset}.parquet']\n" and left.made == {"done": b"d"}, left
