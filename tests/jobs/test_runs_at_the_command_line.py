"""`cihu run`, `cihu runs` and `cihu cancel` do in a terminal what a notebook does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from health_rows import HEALTH_POLICY, health_csv
from live_city import cihu, document, live_city

pytestmark = pytest.mark.slow

PROGRAM = (
    "import cihu\nrows = cihu.inputs['health.visits']\n(cihu.outbox / 'n.txt').write_text(str(len(rows)))\n"
)


def test_a_folder_is_handed_in_looked_at_and_called_off(tmp_path: Path) -> None:
    with live_city() as city:
        (tmp_path / "policy.yaml").write_text(HEALTH_POLICY)
        (tmp_path / "rows.csv").write_bytes(health_csv(200))
        lin = city.visitor("lin")
        lin.publish(tmp_path / "policy.yaml", tmp_path / "rows.csv")
        made = city.visitor("wang").vault(
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
        study = tmp_path / "study"
        study.mkdir()
        (study / "main.py").write_text(PROGRAM)
        refused = cihu("run", str(study), CIHU_HOME=str(city.home))
        assert refused.returncode and "no cihu.yaml" in refused.stderr and "Traceback" not in refused.stderr
        (study / "cihu.yaml").write_text("name: how many\ninputs: [health.visits]\nlimit: 4h\n")
        run = document(cihu("run", str(study), "--json", CIHU_HOME=str(city.home)))
        assert run["state"] == "queued" and run["limit_seconds"] == 4 * 3600
        assert "how many" in cihu("runs", CIHU_HOME=str(city.home), COLUMNS="200").stdout
        called_off = cihu("cancel", run["id"], CIHU_HOME=str(city.home))
        assert "is cancelled" in called_off.stdout, called_off.stderr
        declared = document(
            cihu(
                "run",
                "--sql",
                "SELECT site, COUNT(*) AS n FROM health.visits GROUP BY site",
                "--name",
                "by site",
                "--limit",
                "1m",
                "--json",
                CIHU_HOME=str(city.home),
            )
        )
        assert (declared["kind"], declared["limit_seconds"]) == ("table", 60)
        assert "by site" in cihu("runs", CIHU_HOME=str(city.home), COLUMNS="200").stdout
        neither = cihu("run", CIHU_HOME=str(city.home))
        assert neither.returncode and "--sql" in neither.stderr and "Traceback" not in neither.stderr
        again = cihu("cancel", run["id"], CIHU_HOME=str(city.home))
        assert again.returncode and "cancelled already" in again.stderr
