"""A running competition of the demo city: three teams, each with an entry that was really scored.

Everything goes the way of everybody: the document is drafted, agreed to and announced, people are split,
teams form and enter models over HTTP, and the vault scores them. Of `CONTEST` a city has one.
"""

import base64
import json
import struct
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.client.session import ClientSession
from sandbox.errors import Conflict, NotFound
from sandbox.standalone.demo_panel import PANEL, write_panel
from sandbox.standalone.demo_reviews import answer_reviews

CONTEST, TRACK = "lake-contest", "often"
ZONE = ZoneInfo("Asia/Shanghai")
DAYS = 60
SCORED_SECONDS = 120.0
ASK_SECONDS = 0.5
TEAMS = {"wang": "磁湖队", "li": "西塞山队", "zhao": "东方山队"}
MODELS: Mapping[str, tuple[Mapping[str, float], float, str]] = {
    "wang": ({"age": 1.0}, -45.5, "older than 45"),
    "li": ({"visits": 1.0}, -1.5, "saw a doctor at least twice this year"),
    "zhao": ({"female": 1.0}, -0.5, "women"),
}
"""Of each team: coefficients by column, the intercept, and a note. From what anybody would guess."""

DOCUMENT = """\
competition: {name}
title: {{zh: 首届大数据应用创新大赛（演示）, en: First big data contest (demo)}}
summary:
  zh: 预测谁次年至少就诊两次。数据不可见：在替代数据上训练，或根据隐私回答建立模型；榜单自带精度。
  en: >-
    Predict who sees a doctor at least twice in the next year. Nobody sees a row: train on stand-in rows and
    private answers. The board says how precise it is.
organiser: {{department: health, contact: contest@health.example}}
phases:
  - {{id: signup, kind: registration, title: {{zh: 报名, en: Registration}}, opens: {opens}, closes: {closes}}}
  - {{id: board, kind: board, title: {{zh: 初赛 A 榜, en: Board A}}, opens: {opens}, closes: {closes}, grace_minutes: 60}}
  - {{id: final, kind: final, title: {{zh: 决赛, en: Final}}, opens: {closes}, closes: {ends}}}
tracks:
  - id: often
    title: {{zh: 次年就诊预测, en: Who will see a doctor often}}
    task: classification
    description:
      zh: 目标 often：次年至少就诊两次。线性模型由系统直接评估，约 3 秒；程序为每个人启动一个进程，约 9 分钟。
      en: >-
        The target is often, at least two visits in the next year. A linear model is evaluated by the vault in
        3 seconds; a program has a process for each person, and takes 9 minutes.
    datasets:
      - dataset: {dataset}
        version: {version}
        features: [age, female, married, children, out_of_work, education, income, visits, hospital_days]
        target: often
    entries: {{kinds: [model, program], per_day: 15, in_total: 20, seconds: 540, compute_seconds: 10800}}
    board:
      metric: accuracy
      strata:
        - {{name: often, people: 2400, live: 920, final: 690, values: [true], positive: true}}
        - {{name: seldom, people: 2550, live: 980, final: 710, values: [false]}}
      rho: "0.1"
      final_rho: "0.02"
      smallest_difference: "0.04"
      expected_teams: 3
    prizes:
      - {{title: {{zh: 一等奖, en: First prize}}, first_place: 1, last_place: 1, amount_fen: 1000000}}
teams: {{largest: 3, fixed_from: {closes}}}
outside_data: {{rule: declared}}
ownership:
  entries: {{zh: 归参赛团队所有, en: Entries belong to their teams}}
  models: {{zh: 归参赛团队所有, en: Models belong to their teams}}
rules: {{zh: 公平竞赛；每人只参加一支团队。, en: Play fair. Nobody is in two teams.}}
terms: {{zh: 本人已阅读规则，并接受结果公示。, en: I have read the rules and accept that results are public.}}
notice: {{days: 7, appeal_days: 3}}
"""  # noqa: E501


def load_competition(
    home: Path, people: Mapping[str, ClientSession], policies: Path, known: set[str]
) -> None:
    """Hold it, if the city has none yet, and wait for the scores of the entries that were made here. Safe to
    repeat, whatever people did with their teams since."""
    lin, tang = people["lin"], people["tang"]
    if PANEL.dataset not in known:
        lin.publish(policies / "datasets" / f"{PANEL.dataset}.yaml", write_panel(home))
        for officer in (lin, tang):
            answer_reviews(officer)
    announced = {one["name"]: one for one in lin.vault("GET", "/v1/competitions")}
    made = CONTEST not in announced
    if made:
        _hold(lin, tang)
    if not lin.vault("GET", f"/v1/competitions/{CONTEST}/splits"):
        _split(lin)
    terms = lin.vault("GET", f"/v1/competitions/{CONTEST}")["terms_sha256"]
    formed = {one.get("name") for one in lin.vault("GET", f"/v1/competitions/{CONTEST}/teams")}
    for person, team in TEAMS.items():
        if team not in formed:
            new = {"name": team, "terms_sha256": terms}
            people[person].vault("POST", f"/v1/competitions/{CONTEST}/teams", json=new)
        try:
            entered = people[person].vault("GET", f"/v1/competitions/{CONTEST}/entries")
        except NotFound:  # who has left the team enters nothing more
            continue
        if not entered:
            made = True
            coefficients, intercept, note = MODELS[person]
            people[person].vault(
                "POST",
                f"/v1/competitions/{CONTEST}/entries",
                json={
                    "track": TRACK,
                    "kind": "model",
                    "content": model(coefficients, intercept),
                    "note": note,
                },
            )
    if made:
        _await_scores(lin)


def document(version: int, now: datetime) -> str:
    """The competition's text, open from this minute on for `DAYS` days."""
    opens = now.astimezone(ZONE).replace(second=0, microsecond=0)
    closes = opens + timedelta(days=DAYS)
    return DOCUMENT.format(
        name=CONTEST,
        dataset=PANEL.dataset,
        version=version,
        **{
            name: moment.strftime("%Y-%m-%d %H:%M")
            for name, moment in (
                ("opens", opens),
                ("closes", closes),
                ("ends", closes + timedelta(days=14)),
            )
        },
    )


def model(coefficients: Mapping[str, float], intercept: float) -> dict[str, Any]:
    """The content of an entry: a linear model as a safetensors file."""
    arrays: dict[str, Sequence[float]] = {
        "coefficients": list(coefficients.values()),
        "intercept": [intercept],
    }
    head, body = {}, b""
    for name, values in arrays.items():
        packed = struct.pack(f"<{len(values)}d", *values)
        offsets = [len(body), len(body) + len(packed)]
        head[name] = {"dtype": "F64", "shape": [len(values)], "data_offsets": offsets}
        body += packed
    text = json.dumps(head).encode()
    content = len(text).to_bytes(8, "little") + text + body
    return {
        "model": base64.b64encode(content).decode(),
        "columns": list(coefficients),
        "predicts": "boolean",
    }


def _hold(lin: ClientSession, tang: ClientSession) -> None:
    """Drafted, agreed to and announced in one minute, which is the one in which it opens."""
    version = lin.vault("GET", f"/v1/datasets/{PANEL.dataset}")["version"]
    for again in (True, False):
        text = document(version, datetime.now(ZONE))
        draft = lin.vault("POST", "/v1/competition-drafts", json={"text": text})
        tang.vault("POST", f"/v1/competitions/{CONTEST}/agree", json={"sha256": draft["sha256"]})
        try:
            lin.vault("POST", f"/v1/competitions/{CONTEST}/announce")
        except Conflict as refused:
            if refused.code != "competition_too_late" or not again:
                raise
        else:
            return


def _split(lin: ClientSession) -> None:
    left = lin.vault("GET", f"/v1/competitions/{CONTEST}/left-earlier", params={"track": TRACK})
    accepted = {"track": TRACK, "accepted": [one["name"] for one in left]}
    lin.vault("POST", f"/v1/competitions/{CONTEST}/splits", json=accepted)


def _await_scores(lin: ClientSession) -> None:
    """Entries are told at stated moments, so asking again is all there is to do. A city without these scores
    is still a city: after `SCORED_SECONDS` it goes on."""
    until = time.monotonic() + SCORED_SECONDS
    while time.monotonic() < until:
        board = lin.vault("GET", f"/v1/competitions/{CONTEST}/board", params={"track": TRACK})
        if not board["waiting"] and "baseline" in board:
            return
        time.sleep(ASK_SECONDS)
