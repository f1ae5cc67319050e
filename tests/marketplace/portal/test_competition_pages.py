"""The pages of competitions with a real vault: an organiser writes one in forms, strangers read it, a team
joins, enters and appeals, jurors mark; what is wrong is told at its field."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from command_line import CommandLine
from marketplace.portal.competition_form_messages import COMPETITION_FORM_MESSAGES
from marketplace.portal.competition_messages import COMPETITION_MESSAGES
from marketplace.portal.competitions.form_fields import STEPS
from sandbox.city_time import CITY_TIME
from sandbox.competitions.document import LOCAL
from sandbox.database import Database
from sandbox.identity import create_account, create_organisation
from split_people import NAME as DATASET
from split_people import POLICY, people_csv

PASSWORD = "a long enough password"
NAME = "lake-2030"
BEGUN = datetime.now(UTC).astimezone(CITY_TIME)
JURORS = ("jia", "mei", "nan")


@pytest.fixture(scope="module")
def people(shared_database) -> None:
    """A team's people, and jurors of another organisation."""
    with shared_database.transaction() as tx:
        create_organisation(tx, organisation_id="academy", display_name="academy", by="test")
        for id, organisation, role in (
            ("ann", "hbpu", "analyst"),
            ("ben", "hbpu", "analyst"),
            *((juror, "academy", "analyst") for juror in JURORS),
        ):
            create_account(
                tx,
                account_id=id,
                display_name=id,
                organisation=organisation,
                roles=[role],
                password=PASSWORD,
                by="test",
            )


@pytest.fixture(scope="module")
def stranger(shared_city) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_city.portal.url, timeout=120) as client:
        yield client


def fields_of(page: str, action: str) -> dict[str, Any]:
    """What the form to `action` holds, as a browser would send it."""
    forms = re.findall(r"<form\b[^>]*>.*?</form>", page, re.DOTALL)
    form = next(form for form in forms if f'action="{action}"' in form)
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or 'type="file"' in tag:
            continue
        text = unescape(value[1]) if value else "on"
        if 'type="checkbox"' in tag or 'type="radio"' in tag:
            if " checked" in tag:
                fields.setdefault(name[1], []).append(text)
        else:
            fields[name[1]] = text
    for name, text in re.findall(r'<textarea\b[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(text)
    for name, body in re.findall(r'<select\b[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', body)
        first = re.search(r'<option(?: value="([^"]*)")?>([^<]*)', body)
        found = chosen or first
        fields[name] = "" if found is None else unescape(found[1] if found[1] is not None else found[2])
    return fields


def sent(browser: Any, page: str, action: str, **more: Any) -> httpx.Response:
    shown = browser.get(page)
    assert shown.status_code == 200, shown.text[-2000:]
    answer: httpx.Response = browser.client.post(action, data=fields_of(shown.text, action) | more)
    return answer


def in_days(days: float) -> str:
    """A moment so many days after the tests began, as a browser sends it."""
    return (BEGUN + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def track_typed() -> dict[str, Any]:
    """What an organiser types on the page of the first track."""
    p, group = "tracks.0", "tracks.0.board.strata"
    return {
        f"{p}.title.zh": "常去预测",
        f"{p}.title.en": "Predict who goes often",
        f"{p}.description.zh": "预测谁常去就诊",
        f"{p}.description.en": "Predict who goes often",
        f"{p}.board.strata.0.people": "550",
        f"{p}.board.strata.0.live": "100",
        f"{p}.board.strata.0.final": "100",
        f"{p}.board.expected_teams": "3",
        f"{p}.entries.per_day": "2",
        f"{p}.entries.in_total": "4",
        f"{p}.prizes.0.title.zh": "一等奖",
        f"{p}.prizes.0.title.en": "First prize",
        f"{p}.prizes.0.first_place": "1",
        f"{p}.prizes.0.last_place": "1",
        f"{p}.prizes.0.amount_fen": "10000.50",
        f"{group}.0.name": "",
    }


JURY = {
    "tracks.1.title.zh": "应用设计",
    "tracks.1.title.en": "Application design",
    "tracks.1.task": "document",
    "tracks.1.description.zh": "设计一个应用",
    "tracks.1.description.en": "Design an application",
    "tracks.1.entries.kinds": "document",
    "tracks.1.board.metric": "",
    "tracks.1.jury.rounds.0.title.zh": "书面",
    "tracks.1.jury.rounds.0.title.en": "Written",
    "tracks.1.jury.rounds.0.weight": "100",
    "tracks.1.jury.rounds.0.rubric.0.title.zh": "价值",
    "tracks.1.jury.rounds.0.rubric.0.title.en": "Value",
    "tracks.1.jury.rounds.0.rubric.0.points": "60",
}


@pytest.fixture(scope="module")
def announced(shared_city, person, people) -> str:
    """An organiser writes a competition from the page alone, a second officer agrees, it is announced."""
    shared_city.publish("lin", POLICY.format(name=DATASET), people_csv())
    lin, tang = person("lin"), person("tang")
    begun = sent(lin, "/competition-forms", "/competition-forms")
    base = begun.headers["location"].removesuffix("/about")
    write_about(lin, base)
    write_phases(lin, base)
    write_tracks(lin, base)
    rules = {"teams.largest": "2", "teams.fixed_from": in_days(9)}
    assert (
        sent(lin, f"{base}/rules", f"{base}/rules", **rules, go="next").headers["location"]
        == f"{base}/finish"
    )
    page = lin.get(f"{base}/finish").text
    assert "没有需要改正之处" in page, re.findall(r"<li><a href=[^>]*>.*?</li>", page)
    made = sent(lin, f"{base}/finish", f"{base}/draft")
    manage = f"/competitions/{NAME}/manage"
    assert made.headers["location"] == manage, made.text
    assert lin.get(base + "/about").status_code == 404, "the form has become the draft"
    early = sent(lin, manage, f"{manage}/announce")
    assert early.status_code == 422 and "尚有部门未同意" in early.text
    own = sent(lin, manage, f"{manage}/agree")
    assert own.status_code == 422 and "不能由您本人同意" in own.text
    assert sent(tang, manage, f"{manage}/agree").status_code == 303
    assert sent(lin, manage, f"{manage}/announce").status_code == 303
    return manage


def write_about(lin: Any, base: str) -> None:
    step = f"{base}/about"
    wrong = sent(lin, step, step, competition="Not A Name", go="next")
    assert wrong.headers["location"] == f"{step}?told=1", "it is kept, and shown with what is wrong"
    page = lin.get(wrong.headers["location"]).text
    assert 'value="Not A Name"' in page and "请填写此项" in page and 'aria-invalid="true"' in page
    about = {
        "competition": NAME,
        "title.zh": "磁湖大赛",
        "title.en": "Lake competition",
        "summary.zh": "预测与应用设计",
        "summary.en": "Prediction and designs",
        "organiser.contact": "contest@health.example",
    }
    old = lin.get(step).text
    assert sent(lin, step, step, **about, go="next").headers["location"] == f"{base}/phases"
    stale = lin.client.post(step, data=fields_of(old, step) | {"title.zh": "另一个"})
    assert stale.status_code == 409 and 'value="另一个"' in stale.text, "what was typed is there still"


def write_phases(lin: Any, base: str) -> None:
    step = f"{base}/phases"
    days = {
        "phases.0.opens": in_days(1),
        "phases.0.closes": in_days(9),
        "phases.1.opens": in_days(2),
        "phases.1.closes": in_days(9),
        "phases.2.opens": in_days(14),
        "phases.2.closes": in_days(20),
    }
    jury = {
        "kind": "jury",
        "title.zh": "评审",
        "title.en": "Jury",
        "opens": in_days(9),
        "closes": in_days(14),
    }
    last = {f"phases.3.{name}": value for name, value in jury.items()}
    told = sent(lin, step, step, **days, **last, go="next").headers["location"]
    assert told == f"{step}?told=1" and "各阶段的顺序应为" in lin.get(told).text
    final = {"kind": "final", "title.zh": "决赛", "title.en": "Final"}
    swapped = {f"phases.2.{name}": value for name, value in jury.items()}
    swapped |= {f"phases.3.{name}": value for name, value in final.items()}
    swapped |= {"phases.3.opens": in_days(14), "phases.3.closes": in_days(20)}
    ids = {"phases.2.id": "", "phases.3.id": ""}
    assert sent(lin, step, step, **days | swapped | ids, go="next").headers["location"] == f"{base}/tracks"


def write_tracks(lin: Any, base: str) -> None:
    step, action = f"{base}/tracks", f"{base}/tracks?track=0"
    kept = sent(lin, step, action, **track_typed(), **{"tracks.0.datasets.0.dataset": DATASET}, go="more")
    page = lin.get(kept.headers["location"]).text
    assert 'name="tracks.0.datasets.0.features" value="age"' in page and 'value="person"' not in page
    chosen = {"tracks.0.datasets.0.features": ["age"], "tracks.0.datasets.0.target": "often"}
    told = sent(lin, step, action, **chosen, go="next").headers["location"]
    assert told == f"{action}&told=1"
    page = lin.get(told).text
    assert "更小的差别看不出来" in page and "或接受该步长" in page, "the calculator says what would do"
    beside = sent(lin, step, action, go="calculate").headers["location"]
    assert beside == f"{action}&told=1#plan"
    calculator = lin.get(beside.partition("#")[0]).text.partition('id="plan"')[2].partition("</div>")[0]
    assert "数字还不相容" in calculator and "更小的差别看不出来" in calculator
    coarse = {"tracks.0.board.smallest_difference": "0.9"}
    assert sent(lin, step, action, **coarse, go="stay").status_code == 303
    assert "两队之差不小于" in lin.get(step).text
    own = {"metric": "function", "predicts": "boolean", "function": "1 if prediction == target else 0"}
    sent(lin, step, action, **{f"tracks.0.board.{name}": value for name, value in own.items()}, go="stay")
    page = lin.get(step).text
    assert "评分函数的示例" in page and f'value="{own["function"]}"' in page
    usual = {"metric": "accuracy", "predicts": "", "function": ""}
    sent(lin, step, action, **{f"tracks.0.board.{name}": value for name, value in usual.items()}, go="stay")
    added = sent(lin, step, action, go="add").headers["location"]
    assert added == f"{base}/tracks?track=1"
    assert sent(lin, added, added, **JURY, go="next").headers["location"] == f"{base}/rules", lin.get(
        f"{added}&told=1"
    ).text


def test_an_organiser_makes_a_competition_from_the_page_and_strangers_read_it(
    announced, stranger, person
) -> None:
    page = stranger.get("/competitions").text
    assert f'href="/competitions/{NAME}"' in page and "即将开始" in page
    shown = stranger.get(f"/competitions/{NAME}").text
    for words in ("磁湖大赛", "clinic.often", "¥10,000.50", "准确率", "数据保护", "og:title", "评分表"):
        assert words in shown
    english = stranger.get(f"/competitions/{NAME}", headers={"Cookie": "cihu_language=en"}).text
    assert "Predict who goes often" in english and "What all scores together may lose" in english
    assert not re.search(r"[\u4e00-\u9fff]", words_of(english)), re.findall(
        r"[\u4e00-\u9fff]+", words_of(english)
    )
    assert "lin" not in words_of(shown).split() and "tang" not in words_of(shown).split()
    for place in ("/feeds/competitions.atom", "/sitemap.xml", "/"):
        assert f"/competitions/{NAME}" in stranger.get(place).text
    assert stranger.get("/competitions/none").status_code == 404
    assert stranger.get(f"/competitions/{NAME}/manage").status_code == 303, "to the login"
    assert person("wang").get(f"/competitions/{NAME}/manage").status_code == 403
    assert person("zhou").get(f"/competitions/{NAME}/manage").status_code == 404


def test_a_competition_is_played_on_its_pages(
    announced, shared_city, shared_database, person, stranger, monkeypatch, capsys
) -> None:
    lin, ann, ben = person("lin"), person("ann"), person("ben")
    split_people(lin, announced)
    appoint(lin, announced)
    in_english(lin, announced, "/competition-forms")
    pass_days(shared_database, 3)
    team = f"/competitions/{NAME}/team"
    join(ann, ben, team)
    discussed(lin, ann, ben, stranger, announced)
    discussed_at_the_command_line(CommandLine(shared_city, PASSWORD, monkeypatch, capsys))
    scored(shared_database)
    enter(ann, team)
    board = stranger.get(f"/competitions/{NAME}/boards/track_1").text
    assert "1" in board and "score-bar" in board and "名次是范围" in board
    assert "湖队" not in board and "号团队" in board, "its name is hidden"
    assert "基准" not in board
    set_metric(shared_database, "metric: accuracy", OWN_METRIC)
    scored_baseline(shared_database)
    board = stranger.get(f"/competitions/{NAME}/boards/track_1").text
    assert "基准（所有人预测为 0.5）" in board and board.count("score-bar") > 1
    assert "主办方的评分函数" in board and "<code>1 - abs(target - prediction)</code>" in board
    set_metric(shared_database, OWN_METRIC, "metric: accuracy")
    in_english(ann, team)
    pass_days(shared_database, 8)
    judge(lin, person, announced)
    in_english(person("mei"), f"/competitions/{NAME}/jury")
    pass_days(shared_database, 4)
    finish(lin, ben, announced, team, shared_database)
    result = stranger.get(f"/competitions/{NAME}/result").text
    assert "湖队" in result and "申诉截止于" in result and "一等奖" not in words_of(board)
    assert stranger.get(f"/competitions/{NAME}/history").status_code == 200
    appeal(lin, ben, person, announced, team)
    in_english(ben, team, f"/competitions/{NAME}/result", f"/competitions/{NAME}/history")
    in_english(lin, announced)
    certified(lin, ben, announced, team, shared_database)
    until_told(ben, "公示了结果")


def discussed(lin: Any, ann: Any, ben: Any, stranger: httpx.Client, manage: str) -> None:
    """An announcement for everybody; a question that is answered, hidden with a reason and shown again."""
    page = f"/competitions/{NAME}/discussion"
    assert sent(lin, manage, f"{manage}/tell", text_en="Board <b> opens.").status_code == 303
    assert "Board &lt;b&gt; opens." in stranger.get(f"/competitions/{NAME}").text
    assert "Board &lt;b&gt; opens." in stranger.get("/feeds/competitions.atom").text
    assert stranger.get(page).status_code in (303, 401)
    asked = sent(ann, page, page, text="What does a row stand for?")
    question = asked.headers["location"].rpartition("-")[2]
    shown = lin.get(page).text
    assert "What does a row stand for?" in shown and "号团队" in ben.get(page).text
    answer = {"csrf": fields_of(shown, page)["csrf"], "answers": question}
    assert lin.client.post(page, data=answer | {"text": "For one visit."}).status_code == 303
    empty = lin.client.post(page, data=answer | {"text": " "})
    assert empty.status_code == 422 and 'role="alert"' in empty.text
    assert "For one visit." in ann.get(page).text
    hiding = f"{page}/{question}/hide"
    assert sent(lin, page, hiding, reason="why").status_code == 422, "a reason is a sentence"
    assert sent(lin, page, hiding, reason="it quotes others").status_code == 303
    assert "it quotes others" in ann.get(page).text and "What does a row" not in ben.get(page).text
    assert sent(lin, page, f"{page}/{question}/restore", reason="it does not").status_code == 303
    assert "What does a row" in ben.get(page).text and f"{page}/{question}/withdraw" not in ben.get(page).text
    in_english(lin, manage)
    assert sent(ann, page, f"{page}/{question}/withdraw").status_code == 303
    assert "What does a row" not in ben.get(page).text


def discussed_at_the_command_line(terminal: CommandLine) -> None:
    told = terminal.json("competition", "tell", NAME, "--zh", "数据说明已更新")
    assert "数据说明已更新" in terminal.run("competition", "announcements", NAME, "--as", "ann")
    assert "is hidden" in terminal.run(
        "competition", "hide", NAME, str(told["id"]), "--reason", "a wrong one"
    )
    asked = terminal.json("competition", "ask", NAME, "Which day?", "--as", "ben")
    number = str(asked["id"])
    terminal.run("competition", "ask", NAME, "Monday.", "--answers", number, "--as", "lin")
    listed = terminal.run("competition", "discussion", NAME, "--as", "ann")
    assert f"{number} team " in listed and "organiser: Monday." in listed
    assert "is withdrawn" in terminal.run("competition", "take-back", NAME, number, "--as", "ben")


def until_told(reader: Any, words: str) -> None:
    """The vault writes notices of a competition by itself, soon after each step."""
    deadline = monotonic() + 120
    while words not in reader.get("/notices").text:
        assert monotonic() < deadline, words_of(reader.get("/notices").text)
        sleep(0.2)


def certified(lin: Any, ben: Any, manage: str, team: str, database: Database) -> None:
    """After the public notice a member takes a certificate, as PDF and as a receipt that anybody verifies."""
    back = sent(lin, manage, f"{manage}/reinstate", reason="申诉成立，恢复资格")
    assert back.status_code == 303, words_of(back.text)
    assert f"{team}/certificate" not in ben.get(team).text
    assert ben.get(f"{team}/certificate.pdf").status_code == 404
    pass_days(database, 40)
    taken = sent(ben, team, f"{team}/certificate", shown_as="member")
    assert taken.status_code == 303, words_of(taken.text)
    assert "团队成员" in ben.get(team).text
    paper = ben.get(f"{team}/certificate.pdf").content
    assert paper.startswith(b"%PDF-") and b"receipt.json" in paper and b"NotoSansSC" in paper
    receipt = ben.get(f"{team}/certificate.json").text
    assert "湖队" in json.loads(receipt)["opening"]["content"] and '"ben"' not in receipt
    proven = ben.client.post("/log/verify", data={"text": receipt})
    assert proven.status_code == 200 and "competition.certified" in proven.text
    in_english(ben, team)
    # an officer sees what each entry is, and puts a document's idea on the list of opportunities
    page = f"/competitions/{NAME}/ranked"
    shown = lin.get(page).text
    assert "等候时间地图" in shown and ben.get(page).status_code == 403
    [action] = re.findall(rf'action="({page}/\d+/opportunity)"', shown)
    idea = {"title_zh": "候诊地图", "title_en": "Map of waits", "summary_zh": "寻找实施方"}
    refused = sent(lin, page, action, **idea)
    assert refused.status_code == 422 and 'value="Map of waits"' in refused.text
    listed = sent(lin, page, action, **idea, summary_en="Who builds it?")
    assert listed.status_code == 303, words_of(listed.text)
    assert "候诊地图" in ben.get("/opportunities").text
    in_english(lin, page, "/opportunities")


def split_people(lin: Any, manage: str) -> None:
    page = lin.get(manage).text
    names = re.findall(r'name="accepted" value="([^"]+)"', page)
    if names:
        refused = sent(lin, manage, f"{manage}/split")
        assert refused.status_code == 422, "what left earlier is accepted by its name"
    done = sent(lin, manage, f"{manage}/split", accepted=names)
    assert done.status_code == 303, words_of(done.text)
    assert "已划分" in lin.get(manage).text


def appoint(lin: Any, manage: str) -> None:
    for juror in JURORS:
        assert sent(lin, manage, f"{manage}/appoint", juror=juror).status_code == 303
    assert sent(lin, manage, f"{manage}/release-juror").status_code == 303
    assert sent(lin, manage, f"{manage}/appoint", juror="jia").status_code == 303
    unknown = sent(lin, manage, f"{manage}/appoint", juror="nobody")
    assert unknown.status_code == 422 and 'value="nobody"' in unknown.text


def join(ann: Any, ben: Any, team: str) -> None:
    page = ann.get(team).text
    unread = ann.client.post(f"{team}/form", data=fields_of(page, f"{team}/form") | {"team_name": "湖队"})
    assert unread.status_code == 422 and "您尚未接受条款" in unread.text and 'value="湖队"' in unread.text
    terms = re.findall(r'name="terms" value="([0-9a-f]{64})"', page)[0]
    formed = sent(ann, team, f"{team}/form", team_name="湖队", terms=terms, hidden="on")
    assert formed.headers["location"] == f"{team}/invitation", words_of(formed.text)
    given = ann.get(f"{team}/invitation").text
    invitation, index = re.findall(r"<code>([^<]+)</code>", given)[0], re.findall(r"receipts/(\d+)", given)[0]
    assert ann.get(f"/log/receipts/{index}.json").json()["index"] == int(index)
    assert ann.get(f"{team}/invitation").status_code == 303, "it is shown once"
    wrong = sent(ben, team, f"{team}/join", invitation="none", terms=terms)
    assert wrong.status_code == 422 and "该邀请码无效" in wrong.text
    assert sent(ben, team, f"{team}/join", invitation=invitation, terms=terms).status_code == 303
    assert "剩余额度" in ben.get(team).text and "ann" in ben.get(team).text


def enter(ann: Any, team: str) -> None:
    entries = f"/competitions/{NAME}/entries"
    page = ann.get(team).text
    assert "已评分" in page and "0.8" in page
    choose = re.findall(r'action="(/competitions/[^"]+/choose)"', page)[0]
    assert sent(ann, team, choose).status_code == 303 and "已选定参加决赛" in ann.get(team).text
    forms = re.findall(rf'<form method="post" action="{entries}".*?</form>', page, re.DOTALL)
    document = fields_of(forms[1], entries) | {"document": "等候时间地图"}
    entered = ann.client.post(entries, data=document)
    assert entered.status_code == 303 and "save_receipt" not in entered.text
    assert "/log/receipts/" in ann.get(entered.headers["location"].partition("#")[0]).text
    assert ann.client.post(entries, data=document).status_code == 303, "a double click enters once"
    program = fields_of(forms[0], entries) | {"run": "00000000-0000-0000-0000-000000000000"}
    refused = ann.client.post(entries, data=program)
    assert refused.status_code == 422 and 'role="alert"' in refused.text, words_of(refused.text)
    bad = ann.client.post(entries, data=document, files={"document_file": ("x.md", b"\xff\xfe\x00")})
    assert bad.status_code == 422 and "不是文本" in bad.text
    assert ann.get(team).text.count("已接收") == 1


def judge(lin: Any, person: Any, manage: str) -> None:
    assert sent(lin, manage, f"{manage}/assign").status_code == 303
    for juror in JURORS:
        page = f"/competitions/{NAME}/jury"
        shown = person(juror).get(page).text
        assert "等候时间地图" in shown and "ann" not in words_of(shown) and "湖队" not in shown
        action = re.findall(rf'action="({page}/\d+)"', shown)[0]
        too_many = sent(person(juror), page, action, **{"mark.criterion_1": "61"})
        assert too_many.status_code == 422 and 'value="61"' in too_many.text
        assert sent(person(juror), page, action, **{"mark.criterion_1": "40"}).status_code == 303
    assert "3 / 3" not in lin.get(manage).text and "1 / 1" in lin.get(manage).text


def finish(lin: Any, ben: Any, manage: str, team: str, database: Database) -> None:
    early = sent(lin, manage, f"{manage}/result")
    assert early.status_code == 422 and "决赛尚未开启" in early.text
    assert sent(lin, manage, f"{manage}/final").status_code == 303
    with database.transaction() as tx:
        score = json.dumps({"level": 4, "shown": True, "score": "0.8", "low": "0.6", "high": "0.9"})
        tx.exec_driver_sql(
            "UPDATE vault.competition_entries SET state = 'scored', score = %s, failure = NULL "
            "WHERE final_of IS NOT NULL AND competition = %s",
            (score, NAME),
        )
    published = sent(lin, manage, f"{manage}/result")
    assert published.status_code == 303, words_of(published.text)


def appeal(lin: Any, ben: Any, person: Any, manage: str, team: str) -> None:
    filed = sent(ben, team, f"{team}/appeal", appeal="评分项与规则不符")
    assert filed.status_code == 303 and "评分项与规则不符" in ben.get(team).text
    own = sent(lin, manage, f"{manage}/look", outcome="dismissed", reason="符合规则")
    assert own.status_code == 422
    for reviewer in ("tang", "hua"):
        looked = sent(person(reviewer), manage, f"{manage}/look", outcome="dismissed", reason="评分符合规则")
        assert looked.status_code == 303
    assert "驳回" in ben.get(team).text and "评分符合规则" in ben.get(team).text
    short = sent(lin, manage, f"{manage}/disqualify", reason="违规")
    assert short.status_code == 422 and "至少 5 个字符" in short.text
    out = sent(lin, manage, f"{manage}/disqualify", reason="违反大赛规则")
    assert out.status_code == 303, words_of(out.text)
    assert "统计" in lin.get(manage).text


def in_english(browser: Any, *places: str) -> None:
    """Nothing of a page is in Chinese for who reads English."""
    browser.get("/language/en?next=/")
    for place in places:
        words = words_of(browser.get(place).text)
        assert not re.findall(r"[\u4e00-\u9fff]+", words), (place, re.findall(r"[\u4e00-\u9fff]+", words))
    browser.get("/language/zh?next=/")


def pass_days(database: Database, days: int) -> None:
    """So many days go by: all moments of the competition come nearer."""

    def earlier(found: re.Match[str]) -> str:
        moment = datetime.strptime(found[0], LOCAL).replace(tzinfo=UTC) - timedelta(days=days)
        return moment.strftime(LOCAL)

    with database.transaction() as tx:
        text = tx.exec_driver_sql("SELECT text FROM vault.competitions WHERE name = %s", (NAME,)).scalar_one()
        moved = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", earlier, text)
        tx.exec_driver_sql(
            "UPDATE vault.competitions SET text = %s, "
            "notice_ends_at = notice_ends_at - make_interval(days => %s) WHERE name = %s",
            (moved, days, NAME),
        )


def scored(database: Database) -> None:
    """An entry of the team with a place on the board: what the scorer writes, without its hour of work."""
    score = json.dumps({"level": 4, "shown": True, "score": "0.8", "low": "0.6", "high": "0.9"})
    with database.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO vault.competition_entries (competition, track, phase, team, entered_as, person, "
            "kind, note, content, sha256, outside_data, seconds, state, submitted_at, ended_at, score, "
            "log_index) "
            "SELECT competition, 'track_1', 'board_1', id, id, captain, 'program', 'first', '{}', 'x', '', "
            "60, 'scored', now(), now(), %s, 0 FROM vault.competition_teams WHERE competition = %s",
            (score, NAME),
        )


def scored_baseline(database: Database) -> None:
    """As the scorer writes it."""
    score = json.dumps({"level": 2, "shown": True, "score": "0.5", "low": "0.4", "high": "0.6"})
    with database.transaction() as tx:
        tx.exec_driver_sql(
            "INSERT INTO vault.competition_baselines (competition, track, state, score, queued_at, ended_at) "
            "VALUES (%s, 'track_1', 'scored', %s, now(), now())",
            (NAME, score),
        )


OWN_METRIC = """metric: function
    predicts: probability
    function: 1 - abs(target - prediction)"""


def set_metric(database: Database, old: str, new: str) -> None:
    """A metric that has a baseline with these groups: accuracy names none where a group has no value."""
    with database.transaction() as tx:
        tx.exec_driver_sql(
            "UPDATE vault.competitions SET text = replace(text, %s, %s) WHERE name = %s",
            (old, new, NAME),
        )


def test_a_text_in_yaml_is_taken_with_its_faults_and_kept_from_others(person) -> None:
    lin = person("lin")
    bad = sent(lin, "/competition-forms", "/competition-forms/upload", yaml="a: [1, 2")
    assert bad.status_code == 422 and "a: [1, 2" in bad.text
    files = {"file": ("lake.yaml", "competition: lake-2031\ntitle: {zh: 湖}\nphases: 3\n".encode())}
    shown = lin.get("/competition-forms").text
    data = fields_of(shown, "/competition-forms/upload")
    taken = lin.client.post("/competition-forms/upload", data=data, files=files)
    finish = taken.headers["location"]
    page = lin.get(finish).text
    assert "phases: 3" in page and "title.en" in page
    base = finish.removesuffix("/finish")
    for step in STEPS:
        assert lin.get(f"{base}/{step}").status_code == 200, "a form shows whatever the text is"
    refused = sent(lin, finish, f"{base}/draft")
    assert refused.status_code == 422
    in_english(lin, *(f"{base}/{step}" for step in STEPS))
    odd = {"phases.0.grace_minutes": "²", "phases.7.title.zh": "\u202e", "phases.7.opens": "gestern"}
    assert sent(lin, f"{base}/phases", f"{base}/phases", **odd, go="next").status_code == 303
    phases = lin.get(f"{base}/phases?told=1").text
    assert re.search(r'name="phases\.1\.opens"[^>]* value="gestern"', phases), "it is kept, to be corrected"
    text = sent(lin, finish, f"{base}/text", yaml="competition: lake-2032\n")
    assert text.status_code == 303 and "lake-2032" in lin.get(finish).text
    assert person("zhou").get(finish).status_code == 404 and person("wang").get(finish).status_code == 403
    assert lin.get(f"{base}/nowhere").status_code == 404
    assert sent(lin, "/competition-forms", f"{base}/remove").status_code == 303
    assert lin.get(finish).status_code == 404


def test_an_officer_certifies_others_but_not_themselves(person, people) -> None:
    page, action = "/competition-forms", "/competition-forms/certificates"
    wish = {"person": "ann", "course": "safe-researcher", "expires": in_days(300)[:10]}
    assert "已为 ann 颁发证书" in sent(person("lin"), page, action, **wish).text
    for wrong in ({"person": "lin"}, {"person": "nobody"}, {"expires": "2020-01-01"}, {"expires": "soon"}):
        refused = sent(person("lin"), page, action, **wish | wrong)
        assert refused.status_code == 422 and 'role="alert"' in refused.text, wrong
    assert sent(person("lin"), page, page).status_code == 303 and person("wang").get(page).status_code == 403


def test_every_word_has_both_languages() -> None:
    words = COMPETITION_MESSAGES | COMPETITION_FORM_MESSAGES
    assert all(zh and en for zh, en in words.values())
    assert not [zh for zh, _ in words.values() if re.search(r"[\u4e00-\u9fff][,:;]|[,:;][\u4e00-\u9fff]", zh)]


def words_of(page: str) -> str:
    """The words of a page that are ours: without code, markup, and what is marked as not to be translated."""
    body = page[page.index("<main") :] if "<main" in page else page
    for element in ("pre", "code", "script", "option", "textarea"):
        body = re.sub(rf"<{element}\b.*?</{element}>", " ", body, flags=re.DOTALL)
    body = re.sub(r"<(\w+)\b[^>]*(?:translate=\"no\"|lang=\"en\")[^>]*>.*?</\1>", " ", body, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", body))
