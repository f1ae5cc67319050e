"""The safe-researcher course on the portal: plain forms in the language of the page, and its certificate."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

from command_line import CommandLine
from marketplace.settings import REPOSITORY
from sandbox.training.course import read_course
from story import POLICY, rows_csv

PASSWORD = "a long enough password"  # of tests/marketplace/conftest.py
COURSE = read_course(REPOSITORY / "policies")
FIELDSET = re.compile(r"<fieldset.*?</fieldset>", re.DOTALL)
OPTION = re.compile(r'name="(answer-[a-z_]+)" value="(\d+)"[^>]*> <span>(.*?)</span>')


def right_ones(page: str) -> dict[str, str]:
    """The fields of a form, answered rightly, in whichever language the page is."""
    given = {}
    for fieldset in FIELDSET.findall(page):
        for name, value, text in OPTION.findall(fieldset):
            right = COURSE.by_id[name.removeprefix("answer-")].options[0]
            if unescape(text) in right.values():
                given[name] = value
    return given


def test_the_test_is_taken_and_explained_and_gives_a_certificate(person, shared_city) -> None:
    wang = person("wang")
    shared_city.publish("lin", POLICY + f"certificate: {COURSE.id}\n", rows_csv())
    asking = "/datasets/clinic.visits/request"
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    wish = {"team": "cihu-lake", "purpose": "how often people see a doctor", "epsilon": "1", "until": until}
    wang.get("/language/en?next=/")
    for needs in ("/datasets/clinic.visits", asking):
        assert "Take the course&#39;s test" in wang.get(needs).text, needs
    early = wang.send(asking, asking, **wish, step="check")
    assert early.status_code == 422 and wish["purpose"] in early.text and 'href="/course"' in early.text
    assert wang.send(asking, asking, **wish, step="send").status_code == 403
    wang.get("/language/zh?next=/")
    page = wang.get("/course").text
    assert f"今天还剩 {COURSE.attempts_a_day} 次" in page and 'href="/course"' in wang.get("/me").text
    begun = wang.send("/course", "/course")
    place = begun.headers["location"]
    form = wang.get(place).text
    assert form.count("<fieldset") == form.count("<legend") == COURSE.drawn
    assert not any(question.why["zh"] in unescape(form) for question in COURSE.questions)
    right = right_ones(form)
    assert len(right) == COURSE.drawn
    others = list(right)[1:]
    incomplete = wang.send(place, place, **{name: right[name] for name in others})
    assert incomplete.status_code == 422 and 'role="alert"' in incomplete.text
    assert incomplete.text.count(" checked") == len(others), "what was chosen stays"
    wrong = {name: str(int(value) % 4 + 1) for name, value in right.items()}
    assert wang.send(place, place, **right | {name: wrong[name] for name in others}).status_code == 303
    outcome = unescape(wang.get(place).text)
    assert "未通过" in outcome
    told = [question.id for question in COURSE.questions if question.why["zh"] in outcome]
    assert sorted(told) == sorted(name.removeprefix("answer-") for name in others), "the wrong ones alone"

    wang.get("/language/en?next=/")
    place = wang.send("/course", "/course").headers["location"]
    assert wang.send(place, place, **right_ones(wang.get(place).text)).status_code == 303
    assert (
        "passed" in wang.get(place).text
        and "/course/certificates/safe-researcher.json" in wang.get(place).text
    )
    page = wang.get("/course").text
    assert "Your certificate is good" in page and "<button>Begin" not in page
    receipt = json.loads(wang.get("/course/certificates/safe-researcher.json").text)
    assert receipt["index"] > 0
    assert person("lin").get("/course/certificates/safe-researcher.json").status_code == 404
    assert person("lin").get(place).status_code == 404, "another's attempt"

    assert wang.send(asking, asking, **wish, step="check").status_code == 200
    sent = wang.send(asking, asking, **wish, step="send")
    number = sent.headers["location"].rpartition("-")[2]
    assert "有效期至" in person("lin").get(f"/queue/requests/{number}").text
    held = wang.get("/me/data").json()["vault"]["written_and_asked"]
    assert {each["passed"] for each in held["vault.course_attempts.person"]} == {True, False}
    assert held["vault.training_certificates.person"][0]["course"] == COURSE.id


def test_the_test_is_taken_at_the_command_line(shared_city, monkeypatch, capsys, tmp_path) -> None:
    terminal = CommandLine(shared_city, PASSWORD, monkeypatch, capsys)
    li = ("--as", "li")
    assert f"attempts left today: {COURSE.attempts_a_day}" in terminal.run("course", "show", *li)
    terminal.run("course", "certificate", *li, ends=1)
    attempt = terminal.json("course", "begin", *li)
    shown = terminal.run("course", "begin", *li)  # long lines are wrapped
    assert attempt["questions"][0]["ask"]["en"] in " ".join(shown.split())
    number = str(attempt["id"])
    terminal.run("course", "answer", number, "1", *li, ends=1)
    right = [
        next(
            str(option["number"])
            for option in question["options"]
            if option["text"] == COURSE.by_id[question["id"]].options[0]
        )
        for question in attempt["questions"]
    ]
    outcome = terminal.run("course", "answer", number, *right, *li)
    assert f"passed: {COURSE.drawn} right answers" in outcome and "good until" in outcome
    kept = tmp_path / "receipt.json"
    terminal.run("course", "certificate", "--out", str(kept), *li)
    assert json.loads(kept.read_text())["index"] > 0
