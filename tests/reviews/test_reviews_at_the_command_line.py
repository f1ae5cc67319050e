"""`cihu release`, `files`, `package`, `reviews` and `review` do in a terminal what notebook and portal do."""

import json
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from health_rows import HEALTH_POLICY, health_csv
from live_city import cihu, live_city
from sealed_runs import pause_before

pytestmark = pytest.mark.slow

PROGRAM = "import cihu\nrows = cihu.inputs['health.visits']\n(cihu.outbox / 'n.txt').write_text('磁湖')\n"
WISH = "n.txt:\n  statbarn: words\n  context: the name of the lake\n  controls: it is about nobody\n"


def test_files_are_asked_for_looked_at_voted_on_and_saved(tmp_path: Path) -> None:
    with live_city() as city:
        home = str(city.home)
        (tmp_path / "policy.yaml").write_text(HEALTH_POLICY)
        (tmp_path / "rows.csv").write_bytes(health_csv(200))
        lin, wang = city.visitor("lin"), city.visitor("wang")
        lin.publish(tmp_path / "policy.yaml", tmp_path / "rows.csv")
        made = wang.vault(
            "POST",
            "/v1/requests",
            json={
                "dataset": "health.visits",
                "team": "cihu-lake",
                "epsilon": "1",
                "purpose": "to run a program of our own",
                "until": (datetime.now(UTC) + timedelta(days=9)).date().isoformat(),
            },
        )
        lin.vault("POST", f"/v1/requests/{made['id']}/approve", json={})
        run = wang.vault(
            "POST",
            "/v1/runs",
            json={
                "name": "how many",
                "files": {"main.py": PROGRAM},
                "limit_seconds": 10,
                "inputs": ["health.visits"],
            },
        )["id"]
        assert cihu("runs", CIHU_HOME=home).returncode == 0
        while (seen := wang.vault("GET", f"/v1/runs/{run}"))["state"] != "finished":
            time.sleep(pause_before(seen))
        (tmp_path / "odd.yaml").write_text("- a list\n")
        refused = cihu("release", run, str(tmp_path / "odd.yaml"), CIHU_HOME=home)
        assert (
            refused.returncode
            and "does not say which files" in refused.stderr
            and "Traceback" not in refused.stderr
        )
        (tmp_path / "wish.yaml").write_text(WISH)
        assert (
            "1 files wait for reviewers"
            in cihu("release", run, str(tmp_path / "wish.yaml"), CIHU_HOME=home).stdout
        )
        assert "how many" in cihu("reviews", CIHU_HOME=home, COLUMNS="200").stdout
        (waiting,) = json.loads(cihu("reviews", "--json", "--as", "zhou", CIHU_HOME=home).stdout)
        assert waiting["id"] in cihu("reviews", CIHU_HOME=home, COLUMNS="60").stdout, "an id is never cut"
        for command in ("review", "files"):
            strange = cihu(command, "zzz", CIHU_HOME=home)
            assert strange.returncode == 1 and "begins with 'zzz'" in strange.stderr, strange.stderr
        seen = cihu("review", waiting["id"][:8], "--view", "n.txt", CIHU_HOME=home)
        assert "磁湖" in seen.stdout, seen.stderr
        ended = cihu("review", waiting["id"], "--ending", CIHU_HOME=home)
        assert "It ended: itself, exit status 0" in ended.stdout and "Its log:" in ended.stdout, ended.stderr
        unsaid = cihu("review", waiting["id"], "--vote", "n.txt=refuse", CIHU_HOME=home)
        assert unsaid.returncode and "reason and a comment" in unsaid.stderr
        for who in ("lin", "zhou"):
            told = cihu("review", waiting["id"], "--vote", "n.txt=approve", "--as", who, CIHU_HOME=home)
        assert "released" in told.stdout and "lin (blind): approve" in told.stdout, told.stderr
        got = cihu("files", run[:13], "--save", str(tmp_path / "got"), CIHU_HOME=home)
        assert "The request is released." in got.stdout and (
            tmp_path / "got" / "n.txt"
        ).read_text().startswith("磁湖")
        key = cihu("audit", "key", CIHU_HOME=home).stdout.strip()
        assert (
            "output.released"
            in cihu(
                "audit", "verify", str(tmp_path / "got" / "receipt.json"), "--key", key, CIHU_HOME=home
            ).stdout
        )
        package = tmp_path / "run.zip"
        made = cihu("package", run, "--save", str(package), CIHU_HOME=home)
        assert made.returncode == 0, made.stderr
        proven = json.loads(
            cihu("audit", "verify", str(package), "--key", key, "--json", CIHU_HOME=home).stdout
        )
        assert (proven["verified"], proven["outcome"]) == (True, "released") and "outputs/n.txt" in proven[
            "files"
        ]
        with zipfile.ZipFile(package, "a") as archive:
            archive.writestr("outputs/more.txt", "not of the run")
        broken = cihu("audit", "verify", str(package), "--key", key, CIHU_HOME=home)
        assert broken.returncode and "Verified" not in broken.stdout and "Traceback" not in broken.stderr
