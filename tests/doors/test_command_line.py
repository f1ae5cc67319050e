"""What people do in a terminal with `cihu`: quality, runs, reviews and the life of a dataset, against one
real city. Each test has datasets of its own, or only reads the one that they share."""

import json
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from health_rows import HEALTH_POLICY, health_csv
from held_versions import publish_and_open
from live_city import LiveCity, cihu, document, live_city
from sandbox.cli import app
from sandbox.errors import CihuError
from sealed_runs import pause_before
from story import POLICY, rows_csv

pytestmark = pytest.mark.slow

OPEN = """
dataset: city.wards
title: {zh: 病区, en: Wards}
summary: {zh: 测试, en: Made up}
department: health
grade: "1"
source: {name: made up, licence: CC0-1.0}
columns:
  ward: {role: attribute, type: text}
  beds: {role: attribute, type: integer}
"""
PROGRAM = (
    "import cihu\nrows = cihu.inputs['health.visits']\n(cihu.outbox / 'n.txt').write_text(str(len(rows)))\n"
)
WORDS = "import cihu\nrows = cihu.inputs['health.visits']\n(cihu.outbox / 'n.txt').write_text('磁湖')\n"
NAME = "health.life"
WISH = "n.txt:\n  statbarn: words\n  context: the name of the lake\n  controls: it is about nobody\n"


@pytest.fixture(scope="module")
def city() -> Iterator[LiveCity]:
    with live_city() as made:
        yield made


@pytest.fixture(scope="module")
def visits(city: LiveCity, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The dataset health.visits, and a grant on it of wang's team."""
    folder = tmp_path_factory.mktemp("visits")
    (folder / "policy.yaml").write_text(HEALTH_POLICY)
    (folder / "rows.csv").write_bytes(health_csv(200))
    publish_and_open(city, "lin", folder / "policy.yaml", folder / "rows.csv")
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
    city.visitor("lin").vault("POST", f"/v1/requests/{made['id']}/approve", json={})


def test_an_officer_reads_buys_and_answers(city: LiveCity, tmp_path: Path) -> None:
    home = str(city.home)
    for name, policy, rows in (
        ("visits", POLICY + "expect:\n  - {complete: cost}\n", rows_csv()),
        ("wards", OPEN, b"ward,beds\na,1\nb,\n"),
    ):
        (tmp_path / f"{name}.yaml").write_text(policy)
        (tmp_path / f"{name}.csv").write_bytes(rows)
        publish_and_open(city, "lin", tmp_path / f"{name}.yaml", tmp_path / f"{name}.csv")
    shown = cihu("quality", "clinic.visits", CIHU_HOME=home, COLUMNS="200")
    assert shown.returncode == 0, shown.stderr
    assert "GB/T 36344-2018" in shown.stdout and "cost is filled: not kept" in shown.stdout
    report = json.loads(cihu("quality", "clinic.visits", "--json", CIHU_HOME=home).stdout)
    assert report["version"] == 1
    bought = cihu("buy-quality", "clinic.visits", "--epsilon", "1", CIHU_HOME=home, COLUMNS="200")
    assert "at most 1 %" in bought.stdout, bought.stderr
    sent = cihu("report-problem", "city.wards", "Beds of b are missing.", "--column", "beds", CIHU_HOME=home)
    assert "which answers by" in sent.stdout, sent.stderr
    assert "Beds of b are missing." in cihu("problems", CIHU_HOME=home, COLUMNS="200").stdout
    answered = cihu(
        "answer-problem", "1", "They are counted next month.", "--outcome", "explained", CIHU_HOME=home
    )
    assert "is answered" in answered.stdout, answered.stderr
    refused = cihu("quality", "clinic.visits", "--as", "wang", CIHU_HOME=home)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr


@pytest.mark.usefixtures("visits")
def test_a_team_saves_a_page_of_answers(city: LiveCity) -> None:
    home = str(city.home)
    sql = "SELECT COUNT(*) AS n FROM health.visits"
    asked = document(cihu("ask", sql, "--epsilon", "0.1", "--json", CIHU_HOME=home))
    given = ("--answer", asked["answer_id"], "--title", "Visits", "--team", "cihu-lake", "--json")
    odd = ("--text", "[/x] as it is")
    page = document(cihu("answer-pages", *given, *odd, CIHU_HOME=home))["id"]
    assert f"{page}  cihu-lake  Visits (1)" in cihu("answer-pages", CIHU_HOME=home, COLUMNS="200").stdout
    assert sql in cihu("answer-pages", page[:8], CIHU_HOME=home, COLUMNS="200").stdout, (
        "its beginning is enough"
    )
    price = document(cihu("answer-pages", page, "--price", "--json", CIHU_HOME=home))
    assert price["picorho"] == 0, "it was answered for this version"
    stale = cihu("answer-pages", page, "--refresh", "0" * 64, CIHU_HOME=home)
    assert stale.returncode == 1 and "Nothing was asked" in stale.stderr
    refreshed = document(cihu("answer-pages", page, "--refresh", price["priced"], "--json", CIHU_HOME=home))
    [question] = refreshed["questions"]
    assert refreshed["number"] == 2 and question["answer"]["columns"] == asked["columns"]
    named = cihu("answer-pages", page, "--answer", question["answer_id"], "--title", "[/x]", CIHU_HOME=home)
    assert "[/x]" in named.stdout, named.stderr
    changed = document(cihu("answer-pages", page, "--json", CIHU_HOME=home))
    assert (changed["title"], changed["text"], changed["number"]) == ("[/x]", "[/x] as it is", 3)
    two = cihu("answer-pages", page, "--price", "--remove", CIHU_HOME=home)
    assert two.returncode == 1 and "One thing at a time" in two.stderr
    assert "2: refreshed by wang" in cihu("answer-pages", page, "--history", CIHU_HOME=home).stdout
    assert "removed" in cihu("answer-pages", page, "--remove", CIHU_HOME=home).stdout
    gone = cihu("answer-pages", "nonsense", CIHU_HOME=home)
    assert gone.returncode == 1 and "No id that you can see begins with" in gone.stderr


@pytest.mark.usefixtures("visits")
def test_a_folder_is_handed_in_looked_at_and_called_off(city: LiveCity, tmp_path: Path) -> None:
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


@pytest.mark.usefixtures("visits")
def test_files_are_asked_for_looked_at_voted_on_and_saved(city: LiveCity, tmp_path: Path) -> None:
    home = str(city.home)
    wang = city.visitor("wang")
    run = wang.vault(
        "POST",
        "/v1/runs",
        json={
            "name": "how many",
            "files": {"main.py": WORDS},
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
    all_waiting = json.loads(cihu("reviews", "--json", "--as", "zhou", CIHU_HOME=home).stdout)
    (waiting,) = (one for one in all_waiting if one["run"] == run)
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
        vote = ("--vote", "n.txt=approve", "--comment", "a number of rows alone")
        told = cihu("review", waiting["id"], *vote, "--as", who, CIHU_HOME=home)
    assert "released" in told.stdout and "lin (blind): approve" in told.stdout, told.stderr
    got = cihu("files", run[:13], "--save", str(tmp_path / "got"), CIHU_HOME=home)
    assert "The request is released." in got.stdout and (tmp_path / "got" / "n.txt").read_text().startswith(
        "磁湖"
    )
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
    proven = json.loads(cihu("audit", "verify", str(package), "--key", key, "--json", CIHU_HOME=home).stdout)
    assert (proven["verified"], proven["outcome"]) == (True, "released") and "outputs/n.txt" in proven[
        "files"
    ]
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("outputs/more.txt", "not of the run")
    broken = cihu("audit", "verify", str(package), "--key", key, CIHU_HOME=home)
    assert broken.returncode and "Verified" not in broken.stdout and "Traceback" not in broken.stderr


def test_the_life_of_a_dataset_in_a_terminal(city: LiveCity, tmp_path: Path) -> None:
    policy, rows = tmp_path / "policy.yaml", tmp_path / "rows.csv"
    rows.write_bytes(health_csv(40))
    policy.write_text(HEALTH_POLICY.replace('grade: "4"', 'grade: "3"').replace("health.visits", NAME))

    def run(*arguments: str, who: str = "") -> str:
        by = ("--as", who) if who else ()
        done = cihu(*arguments, *by, CIHU_HOME=str(city.home), COLUMNS="200")
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    items = ("purpose_and_basis", "only_what_is_needed", "values_are_public")
    answered = [word for item in items for word in ("--confirm", item)]
    for notes in ("the first", "the second"):
        assert "Published" in run("publish", str(policy), str(rows), "--notes", notes, *answered)
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


def test_a_witness_is_made_told_that_the_log_does_not_know_it_and_remembers(
    city: LiveCity, tmp_path: Path
) -> None:
    home, state = str(city.home), str(tmp_path / "witness")
    key = city.visitor("xu").vault("GET", "/v1/log/key")["key"]
    made = cihu("witness", "create", "--state", state, "--name", "w.example", "--key", key, CIHU_HOME=home)
    assert made.returncode == 0 and "policies/witnesses.policy" in made.stdout, made.stderr
    assert made.stdout.startswith("w.example+")
    unknown = cihu("witness", "run", "--state", state, CIHU_HOME=home)
    assert unknown.returncode == 1 and "cihu witness key" in unknown.stderr
    assert "Traceback" not in unknown.stderr
    note = (tmp_path / "witness" / "last").read_text()
    assert note.startswith("cihu.local") and note.count("\N{EM DASH}") == 2  # the log's line and its own
    (tmp_path / "witness" / "last").write_text("")
    (tmp_path / "note").write_text(note)
    restored = cihu("witness", "restore", "--state", state, str(tmp_path / "note"), CIHU_HOME=home)
    assert restored.returncode == 0 and "remembers the log of" in restored.stdout, restored.stderr
    assert "knows no witness" in cihu("witness", "list", CIHU_HOME=home).stdout


def test_a_refusal_is_listed_and_explained_and_the_rules_are_asked(city: LiveCity, visits: None) -> None:
    home = str(city.home)
    with pytest.raises(CihuError):
        city.visitor("wang").vault("POST", "/v1/grants/1/revoke", json={"reason": "a test"})
    listed = cihu("refused", "--as", "wang", "--json", CIHU_HOME=home)
    first = json.loads(listed.stdout)["attempts"][0]
    assert (first["person"], first["action"], first["id"]) == ("wang", "revoke", "1")
    told = cihu("why", str(first["entry"]), "--as", "lin", CIHU_HOME=home).stdout
    assert "wang asked to end a grant: grant 1." in told and "Refused [no_permit]" in told
    assert "wang had the role data officer; and wang belonged to the department" in told
    asked = cihu("what-if", "wang", "ask", "Grant", "1", "--as", "lin", CIHU_HOME=home).stdout
    assert "nothing is decided or logged" in asked and "Allowed [ask_own_team]" in asked


def test_no_two_commands_have_one_name() -> None:
    """The later one would take the earlier one's place, unsaid."""
    names = [
        *(str(group.name) for group in app.registered_groups),
        *(
            one.name or getattr(one.callback, "__name__", "").replace("_", "-")
            for one in app.registered_commands
        ),
    ]
    assert len(names) == len(set(names)), sorted(names)
