"""`cihu versions`, `announce`, `withdraw`, `lifecycle`, `retire`, `erase` and `demands` in a terminal."""

from pathlib import Path

import pytest

from health_rows import HEALTH_POLICY, health_csv
from live_city import cihu, document, live_city

pytestmark = pytest.mark.slow

NAME = "health.visits"


def test_the_life_of_a_dataset_in_a_terminal(tmp_path: Path) -> None:
    policy, rows = tmp_path / "policy.yaml", tmp_path / "rows.csv"
    rows.write_bytes(health_csv(40))
    policy.write_text(HEALTH_POLICY.replace('grade: "4"', 'grade: "3"'))
    with live_city() as city:

        def run(*arguments: str, who: str = "") -> str:
            by = ("--as", who) if who else ()
            done = cihu(*arguments, *by, CIHU_HOME=str(city.home), COLUMNS="200")
            assert "Traceback" not in done.stderr
            return done.stdout + done.stderr

        for notes in ("the first", "the second"):
            assert "Published" in run("publish", str(policy), str(rows), "--notes", notes)
        assert "2:" in (listed := run("versions", NAME)) and "the second" in listed and "in use" in listed
        assert "compatible" in run("versions", NAME, "--compare", "1", "2")
        assert "has no version 7" in run("versions", NAME, "--compare", "1", "7")
        assert "Announcement 1" in run("announce", str(policy), "--dataset", NAME, "--notes", "soon")
        assert "soon" in run("announcements", NAME)
        assert "is done" in run("withdraw", NAME, "2", "--reason", "rows stood twice")
        assert "rows stood twice" in run("versions", NAME)
        assert "No rule allows" in run("erase", NAME, "--reason", "because I can", who="zhou")
        assert "is done" in run("retire", NAME, "--last-day", "2199-01-01", "--reason", "no longer kept")
        assert "was taken back" in run("lifecycle", NAME, "--drop", "2")
        assert "is done" in run("erase", NAME, "--reason", "the law has ended")
        assert "was erased" in run("publish", str(policy), str(rows))
        asked = document(
            cihu(
                *("demands", "--ask", "接种", "--purpose", "对比", "--department", "health", "--json"),
                CIHU_HOME=str(city.home),
            )
        )
        assert asked["state"] == "open"
        assert "planned. 明年" in run("demands", "--answer", str(asked["id"]), "--note", "明年", who="lin")
        assert "接种" in run("demands")
