"""A program is handed in, runs on raw rows in a seal, and all it left is in quarantine:
the team is told a state and no more."""

import json
from datetime import datetime, timedelta

from asked_vault import AskedVault
from sandbox.jobs.disclosure_time import FREEZING_SECONDS, GRACE_SECONDS
from sandbox.standalone.s3 import S3Server
from sealed_runs import SHORT, await_state, hand_in, left_by

PROGRAM = """
import sys
from pathlib import Path
text = next(Path("/data").glob("*.parquet")).read_bytes()
Path("/outbox/table.csv").write_text(f"bytes\\n{len(text)}\\n")
Path("/outbox/deep").mkdir()
Path("/outbox/deep/Er.txt").write_text("e")
print("a secret word: canary" + "log")
print("and an error", file=sys.stderr)
sys.exit(7)
"""


def test_a_run_ends_in_quarantine_and_the_team_is_told_nothing_of_it(asked: AskedVault, s3: S3Server) -> None:
    dataset, grant = asked.dataset()
    run = hand_in(asked, PROGRAM, dataset)
    assert run["state"] == "queued" and run["inputs"] == [
        {"dataset": dataset, "version": 1, "grant": grant.id}
    ]
    begun = await_state(asked, run, "running")
    assert datetime.fromisoformat(begun["told_at"]) - datetime.fromisoformat(
        begun["started_at"]
    ) == timedelta(seconds=SHORT + GRACE_SECONDS + FREEZING_SECONDS)
    done = await_state(asked, run, "finished")
    left = left_by(asked, s3, run)
    assert left.exit["ended"] == "itself" and left.exit["status"] == 7, left
    assert "canarylog" in left.log and "and an error" in left.log
    assert set(left.made) == {"table.csv", "deep/Er.txt"}
    assert "canarylog" not in json.dumps(done) and "status" not in done and "files" not in done
    assert datetime.fromisoformat(done["ended_at"]) >= datetime.fromisoformat(done["told_at"])
    assert list((asked.home / "runs").iterdir()) == [], "the rows are gone from the disk"
