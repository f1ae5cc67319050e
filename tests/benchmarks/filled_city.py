"""Fills a city: what one of each kind is, the services themselves have made; then there are many of it.

The first of each is made over HTTP by its own people: datasets, products, orders, licences, keys, a question,
a sealed run and its review, a request, a grant, a problem, a demand, a page of answers. Publishing 10,000
files would take hours, so the others are copies of these rows, with names, departments, days and people of
their own (`many_rows.sql`); copies of a version share the file of the first. Usage lines are written by
`market.meter`, the log by `log.append`, invoices by the portal's own operation.
"""

import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from benchmarks.portal_city import PortalCity, analyse
from marketplace.keys.tables import keys
from marketplace.licences.find import find_licence
from marketplace.licences.tables import licences
from marketplace.metering.line import Draft, price_line
from marketplace.metering.model import Outcome
from marketplace.metering.months import month_of
from marketplace.metering.tables import months
from marketplace.offers.price import Quantity
from past_usage import METER, new_worker, state_of_row
from sandbox.audit import Event, append
from sandbox.audit.model import SALT_BYTES
from sandbox.catalog.dataset_index import refresh_index
from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.city_time import CITY_TIME_ZONE
from sandbox.identity import create_account, create_organisation, create_team, join_team
from sandbox.notices import officers
from sandbox.policy import Gate
from sandbox.public.entries import PublicContext, refresh

MANY_ROWS = Path(__file__).with_name("many_rows.sql")
DEPARTMENTS = ("health", "market", *(f"bureau{number}" for number in range(1, 11)))
TEAMS = ("cihu-lake", *(f"team{number}" for number in range(1, 21)))
PURPOSE = "to see how the visits of a district change over the years"
WHAT = """
title: {{zh: "{zh}", en: "{en}"}}
summary: {{zh: 各区各年的汇总情况与明细, en: What happened in each district and year}}
department: {department}
source: {{name: made up, licence: CC0-1.0}}
"""
PRIVATE = (
    "dataset: health.visits\ngrade: '3'\n"
    + WHAT.format(zh="就诊记录〇", en="Visits nought", department="health")
    + """
about_rows: 1000
population: residents
unit: {column: person, kind: person, max_rows: 4}
budget: {delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}
catalogue: {classification: [卫生健康], opening: conditional, opening_condition: 须经批准, updates: monthly}
columns:
  person: {role: unit, type: text, grade: "4"}
  district: {role: key, type: text, values: [north, south, east]}
  year: {role: key, type: integer, values: {from: 1, to: 3}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  visits: {role: measure, type: integer, bounds: [0, 10], step: "1", required: true}
  day: {role: attribute, type: date}
  secret: {role: hidden, type: text, grade: "4"}
"""
)
OPEN = (
    "dataset: market.inspections\ngrade: '1'\n"
    + WHAT.format(zh="检查结果〇", en="Inspections nought", department="market")
    + """
catalogue: {classification: [市场监管], opening: open, updates: monthly}
columns:
  business: {role: attribute, type: text, title: {zh: 单位名称, en: business}}
  year: {role: attribute, type: integer, title: {zh: 年份, en: year}}
  score: {role: attribute, type: integer, title: {zh: 评分, en: score}}
"""
)
PRIVATE_ROWS = "person,district,year,cost,visits,day,secret\n" + "".join(
    f"p{n % 300},{('north', 'south', 'east')[n % 3]},{1 + n % 3},{n % 90},{n % 9},"
    f"2026-01-{1 + n % 28:02},s{n}\n"
    for n in range(900)
)
OPEN_ROWS = "business,year,score\n" + "".join(f"b{n},{2000 + n % 20},{n % 100}\n" for n in range(500))
PROGRAM = "open('/outbox/table.csv', 'w').write('district,n\\nnorth,120\\nsouth,90\\n')\n"
calls = count(1)


class Filling:
    """A city that is being filled; `ids` holds what the first of each kind is called."""

    def __init__(self, city: PortalCity, *, datasets: int, usage: int) -> None:
        self.city, self.datasets, self.usage = city, datasets, usage
        self.ids: dict[str, Any] = {}

    def fill(self) -> dict[str, int]:
        """How many there are of what, by table."""
        self.people()
        self.published()
        self.sandbox()
        self.market()
        self.index()
        analyse(self.city.database)
        self.many()
        analyse(self.city.database)
        self.use()
        self.city.send("he", "POST", "/invoices/run", json={})
        self.entries()
        analyse(self.city.database)
        with self.city.database.transaction() as tx:
            return {
                name: tx.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # our names
                for name in COUNTED
            }

    # the first of each kind

    def people(self) -> None:
        with self.city.database.transaction() as tx:
            for name in DEPARTMENTS[2:]:
                create_organisation(tx, organisation_id=name, display_name=f"第{name[6:]}局", by="bench")
            for name in TEAMS[1:]:
                create_team(tx, team_id=name, display_name=f"第{name[4:]}队", by="bench")
            for number in range(400):
                create_account(
                    tx,
                    account_id=f"person{number}",
                    display_name=f"人员{number}",
                    organisation="hbpu",
                    roles=["analyst"],
                    by="bench",
                )
                join_team(tx, team_id=TEAMS[1 + number % 20], account_id=f"person{number}", by="bench")

    def published(self) -> None:
        self.city.publish("lin", PRIVATE, PRIVATE_ROWS.encode(), second="tang")
        self.city.publish("zhou", OPEN, OPEN_ROWS.encode(), second="zhou")
        self.city.send("zhou", "POST", "/v1/datasets/market.inspections/open-copy", json={})

    def sandbox(self) -> None:
        send = self.city.send
        until = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
        wish = {"dataset": "health.visits", "team": "cihu-lake", "purpose": PURPOSE, "until": until}
        asked = send("wang", "POST", "/v1/requests", json=wish | {"epsilon": "0.5"})
        send("lin", "POST", f"/v1/requests/{asked['id']}/approve", json={})
        send("wang", "POST", "/v1/requests", json=wish | {"epsilon": "0.1"})
        sql = "SELECT district, COUNT(*) AS n FROM health.visits GROUP BY district"
        answer = send("wang", "POST", "/v1/ask", json={"sql": sql, "epsilon": "0.01"})
        page = {
            "team": "cihu-lake",
            "title": "各区就诊",
            "answers": [{"answer_id": answer["answer_id"], "caption": "各区"}],
        }
        send("wang", "POST", "/v1/answer-pages", json=page)
        problem = {"words": "the years of some rows are doubtful"}
        send("wang", "POST", "/v1/datasets/health.visits/reports", json=problem)
        demand = {"title": "公交刷卡", "purpose": PURPOSE, "department": "health"}
        send("wang", "POST", "/v1/demands", json=demand)
        program = {"name": "visits", "files": {"main.py": PROGRAM}, "inputs": ["health.visits"]}
        run = send("wang", "POST", "/v1/runs", json=program | {"limit_seconds": 10})
        self.ids["run"] = run["id"]
        while send("wang", "GET", f"/v1/runs/{run['id']}")["state"] != "finished":
            time.sleep(0.5)  # a team can only ask
        wanted = {"path": "table.csv", "statbarn": "frequencies", "context": PURPOSE, "controls": PURPOSE}
        send("wang", "POST", f"/v1/runs/{run['id']}/release", json={"files": [wanted]})

    def market(self) -> None:
        send = self.city.send
        rows = {
            "id": "scores",
            "dataset": "market.inspections",
            "title_zh": "检查评分",
            "title_en": "Scores of inspections",
            "what": {"kind": "rows", "keys": ["business"]},
            "terms": {"price_fen": 5, "purpose": "选址分析", "calls_per_month": 10_000_000},
        }
        company = {"name": "民生科技有限公司", "credit_code": "91350100M000100Y43"}
        send("chen", "POST", "/company", json=company)
        send("he", "POST", "/companies/minsheng/verify", json={})
        send("zhou", "POST", "/products", json=rows)
        order = send("chen", "POST", "/orders", json={"product": "scores"})
        key = send("chen", "POST", "/keys", json={"licence": order["licence"]})
        self.ids |= {"order": order["order"], "licence": order["licence"], "key": key["id"]}

    # many of each

    def many(self) -> None:
        given = {"datasets": self.datasets, "departments": list(DEPARTMENTS), "teams": list(TEAMS)}
        with self.city.database.transaction() as tx:
            for statement in MANY_ROWS.read_text("utf-8").split(";\n"):
                if statement.strip():
                    tx.execute(text(re.sub("::", r"\\:\\:", statement)), given)

    def index(self) -> None:
        """Of the first datasets, by the vault's own housekeeping: their rows are copied with them."""
        policies = self.city.home / "policies"
        repository = DatasetRepository(self.city.database, policies)
        context = PublicContext(self.city.database, repository, Gate(policies))
        while refresh(context):
            pass
        refresh_index(repository)

    def use(self) -> None:
        """Calls of three months, by the function that meters: half of them of the company that looks."""
        with self.city.database.transaction() as tx:
            found = tx.execute(select(licences.c.id, licences.c.organisation).order_by(licences.c.id)).all()
        own = [row.id for row in found if row.organisation == "minsheng"][:20]
        others = [row.id for row in found if row.organisation != "minsheng"][:180]
        shares = [(id, self.usage // 2 // len(part)) for part in (own, others) for id in part]
        for licence, lines in shares:
            for back in (2, 1, 0):  # the pace goes on from the newest call
                self.use_licence(licence, lines // 3 + (lines % 3 if back == 0 else 0), back)

    def use_licence(self, licence: int, lines: int, back: int) -> None:
        """Calls every ten seconds, up to some moments ago, or as many months before."""
        now = datetime.now(UTC)
        end = now - timedelta(minutes=1) if back == 0 else now - timedelta(days=31 * back)
        month = month_of(end, CITY_TIME_ZONE)
        with self.city.database.transaction() as tx:
            worker, held = new_worker(tx), find_licence(tx, licence)
            key = tx.execute(select(keys.c.id).where(keys.c.licence == licence).limit(1)).scalar_one()
            row = tx.execute(
                select(months).where(months.c.licence == licence, months.c.month == month)
            ).one_or_none()
            state, batch = state_of_row(row, month), list[dict[str, Any]]()
            for number in range(lines):
                age = (now - end).total_seconds() + 1.0 * (lines - number)
                came = now - timedelta(seconds=age)
                draft = Draft(
                    licence=held,
                    price=held.price,
                    key=key,
                    product=held.product,
                    request_id=f"bench:{next(calls)}",
                    keyed=False,
                    payload_hash=b"x",
                    quantity=Quantity(1, 1, 1, 10, 0),
                    outcome=Outcome.ANSWERED,
                    came=0.0,
                    sequence=number + 1,
                    month=month,
                )
                line = price_line(draft, state, now=came, loop_now=age)
                batch.append({"n": number, **line.record})
                state = line.after
            answer = tx.execute(
                METER, {"batch": json.dumps(batch), "licences": [licence], "worker": worker}
            ).scalar_one()
            bad = [each for each in answer["verdicts"] if each["verdict"] != "GOOD"]
            if bad:
                raise SystemExit(f"not metered: {bad[0]}")

    def entries(self) -> None:
        """An entry of the log for each dataset, question and order, and a notice of each order."""
        with self.city.database.transaction() as tx:
            rows = tx.execute(text(ENTRIES)).all()
        # a thousand at once: meanwhile no service can write to the log
        for start in range(0, len(rows), 1000):
            given = [(Event(*row[:4]), row.department) for row in rows[start : start + 1000]]
            with self.city.database.transaction() as tx:
                untold = [event for event, department in given if not department]
                asked = {
                    "kinds": [event.kind for event in untold],
                    "salts": [secrets.token_bytes(SALT_BYTES) for _ in untold],
                    "contents": [event.content for event in untold],
                }
                tx.execute(APPEND, asked)
                for event, department in given:
                    if department:
                        append(tx, event, to=[officers(department)])


APPEND = text(
    "SELECT log.append(given.kind, given.salt, given.content) FROM unnest(CAST(:kinds AS text[]), "
    "CAST(:salts AS bytea[]), CAST(:contents AS text[])) AS given (kind, salt, content)"
)
ENTRIES = """
SELECT 'dataset.published', published_by, 'dataset:' || dataset || '@' || number,
       jsonb_build_object('grade', '1'), '' AS department FROM vault.dataset_versions
UNION ALL SELECT 'query.released', asked_by, 'question:' || id, jsonb_build_object('grant', "grant"), ''
FROM vault.questions
UNION ALL SELECT 'order.placed', buyer, 'order:' || id, jsonb_build_object('product', product), department
FROM market.orders
"""
COUNTED = (
    "vault.datasets",
    "vault.requests",
    "vault.grants",
    "vault.questions",
    "vault.runs",
    "vault.reviews",
    "market.products",
    "market.orders",
    "market.licences",
    "market.usage_lines",
    "market.invoices",
    "log.entries",
    "notices.notices",
)
