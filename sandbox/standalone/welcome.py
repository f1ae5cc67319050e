"""Prepares the demo city for a newcomer: published data, a team with a grant, products on offer, and a
welcome text."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.client.session import ClientSession, places
from sandbox.standalone.demo_competition import load_competition
from sandbox.standalone.demo_reviews import answer_reviews
from sandbox.standalone.demo_tables import write_demo_tables
from sandbox.standalone.people import PEOPLE
from sandbox.standalone.settings import CitySettings

PURPOSES = {
    "health.panel": "用于大赛：由带噪回答建立模型 / For the competition: models from private answers",
    "health.visits": "用于大赛：价格如何影响就诊次数 / For the competition: how do prices change visits?",
}
"""Datasets that the team has a grant on; the one of the tutorials is the newest."""
TERMS = {"free_calls": 100, "purpose": "任何合法用途，须注明来源 / Any lawful purpose that names the source"}


def load_demo(home: Path, settings: CitySettings, go_on: Callable[[], None] = lambda: None) -> None:
    """Publish, grant and offer what is not there yet, as the people of the city would. Safe to repeat.
    `go_on` is called between two deeds, and may raise."""
    where = places(home)
    people = {
        account: ClientSession(where, account, settings.password, go_on=go_on)
        for account in ("lin", "tang", "zhou", "wang", "li", "zhao")
    }
    known = {dataset["name"] for dataset in people["lin"].vault("GET", "/v1/datasets")}
    files = write_demo_tables(home)
    for officer, dataset in (("lin", "health.visits"), ("zhou", "market.inspections")):
        if dataset not in known:
            people[officer].publish(settings.policies / "datasets" / f"{dataset}.yaml", files[dataset])
    for officer in ("lin", "tang"):  # the health data open once their review is answered
        answer_reviews(people[officer])
    load_competition(home, people, settings.policies, known)
    until = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    granted = {grant["dataset"] for grant in people["wang"].vault("GET", "/v1/grants")}
    for dataset, purpose in PURPOSES.items():
        if dataset in granted:
            continue
        asked = people["wang"].vault(
            "POST",
            "/v1/requests",
            json={
                "dataset": dataset,
                "team": "cihu-lake",
                "epsilon": "4",
                "until": until,
                "purpose": purpose,
            },
        )
        people["lin"].vault(
            "POST", f"/v1/requests/{asked['id']}/approve", json={"note": "用于大赛 / For the competition"}
        )
    offered = {product["id"] for product in people["lin"].market("GET", "/api/v1/products")["products"]}
    if "inspections" not in offered:
        people["zhou"].market(
            "POST",
            "/api/v1/products",
            json={
                "id": "inspections",
                "dataset": "market.inspections",
                "title_zh": "餐饮单位卫生检查查询",
                "title_en": "Health inspections of restaurants",
                "summary_zh": "按单位名称或年份查询检查评分。",
                "summary_en": "Scores of inspections, by business or year.",
                "terms": TERMS | {"price_fen": 30},
                "what": {"kind": "rows", "keys": ["business", "year"]},
            },
        )
    if "visits-by-age-group" not in offered:
        people["lin"].market(
            "POST",
            "/api/v1/products",
            json={
                "id": "visits-by-age-group",
                "dataset": "health.visits",
                "title_zh": "分年份就诊次数（差分隐私）",
                "title_en": "Visits to doctors by year of the study (differentially private)",
                "summary_zh": "成人与儿童的平均就诊次数及误差。",
                "summary_en": "Average visits of adults and children, with errors.",
                "terms": TERMS | {"price_fen": 500, "free_calls": 2},
                "what": {
                    "kind": "query",
                    "epsilon": "0.2",
                    "budget": {"epsilon": "1", "until": until},
                    "sql": (
                        "SELECT child, AVG(doctor_visits) AS visits FROM health.visits "
                        "WHERE year = :year GROUP BY child"
                    ),
                    "parameters": [{"name": "year", "type": "integer", "values": [1, 2, 3, 4, 5]}],
                },
            },
        )


def welcome(out: Console, home: Path, settings: CitySettings) -> None:
    """Print where to go and who to be."""
    where = places(home)
    out.print("\n[bold]The city is up.[/bold]  磁湖已启动。\n")
    out.print(f"  portal (门户)          {where.portal}", highlight=False)
    out.print(f"  workspaces (工作空间)   {where.hub}", highlight=False)
    out.print(f"  vault API (保险库)      {where.vault}/docs", highlight=False)
    out.print(f"  state and logs         {home}\n", highlight=False)
    table = Table("login", "password", "who", title="Demo people", title_justify="left")
    for person in PEOPLE:
        if person.kind == "person":
            table.add_row(person.id, settings.password, f"{person.display_name}: {person.does}")
    out.print(table)
    out.print(
        f"\nHow each part is: [bold].venv/bin/cihu status --home {home}[/bold]",
        highlight=False,
        soft_wrap=True,
    )
    out.print(
        f"The whole story: [bold].venv/bin/cihu tour --against {home}[/bold]   Ctrl-C stops everything.\n",
        highlight=False,
        soft_wrap=True,
    )
