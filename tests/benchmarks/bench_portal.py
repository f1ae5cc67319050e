"""How long does the portal need for each of its pages, and how much script and style do they load?

A portal and a vault with 10,000 datasets and 100,000 usage lines, and what goes with them (`filled_city.py`
says how they come there). A stranger, a member of a team, a company, an officer, an auditor and an operator
follow the links of what they see, as the crawler of the tests does; of each route they take a few addresses,
and ask them several times, in turns. A time is from the request to the whole answer, over a connection that
is open, to the portal and, from there, to the vault. A line for each
page (ms of computing, ms of the clock), one JSON line, and a line that names the pages over the goal; nothing
here asserts on a time.

Where the machine has other work, that time tells little. So each page has its computing time, too: of all
threads of portal, vault and Postgres, while it is asked and nothing else is.

    slowest        ten pages, by person and route: median, best and worst time of the rounds, in ms, and the
                   median of the computing time
    over           pages whose median computing time is over 100 ms
    static         bytes of script and style of the heaviest page, compressed as they are served

Usage: python -m benchmarks.bench_portal [--datasets 10000] [--usage 100000] [--rounds 3]
"""

import argparse
import json
import os
import re
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from html import unescape
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import psutil
import yaml

from benchmarks.filled_city import Filling
from benchmarks.portal_city import PASSWORD, PortalCity, portal_city
from marketplace.portal.assets import FOR_EVER
from page_routes import PageRoutes

PEOPLE = {
    "stranger": "",
    "team": "wang",
    "company": "chen",
    "officer": "lin",
    "auditor": "xu",
    "operator": "he",
}
ACTIONS = Path(__file__).parents[1] / "marketplace" / "portal" / "actions.yaml"
ELSEWHERE = ("/help", "/language", "/static", "/docs", "/logout", "/login/city", "/company/export")
"""Built apart, redirects, files; an export of a whole company is made for minutes."""
MANY = 2
"""So many addresses of one route, with a query or without, stand for it."""
GOAL_MS, GOAL_BYTES = 100.0, 100_000


class Page(NamedTuple):
    person: str
    route: str
    address: str


class Computing:
    """The processor time of all threads of the processes below one, in ms."""

    def __init__(self, roots: Sequence[int]) -> None:
        self.roots = [psutil.Process(pid) for pid in roots]
        self.pids: list[int] = []

    def look(self) -> None:
        """Which processes there are now: Postgres has one for each connection."""
        found = [each for root in self.roots for each in (root, *root.children(recursive=True))]
        self.pids = [each.pid for each in found if each.pid != os.getpid()]

    def spent(self) -> float:
        total = 0
        for pid in self.pids:
            for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError):  # a thread may have ended
                    total += int(task.read_text().split()[0])
        return total / 1e6


class Visitor:
    """A person's browser, which keeps its connection and its cookies."""

    def __init__(self, city: PortalCity, account: str) -> None:
        self.client = httpx.Client(base_url=city.portal_url, timeout=600, trust_env=False)
        if account:
            form = self.client.get("/login").text
            hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
            fields = dict(hidden) | {"account": account, "password": PASSWORD}
            if self.client.post("/login", data=fields).status_code != 303:
                sys.exit(f"{account} could not log in")

    def timed(self, address: str) -> tuple[float, httpx.Response]:
        began = time.perf_counter()
        answer = self.client.get(address)
        return (time.perf_counter() - began) * 1000, answer


def linked(page: str) -> list[str]:
    found = []
    for link in re.findall(r'href="([^"]+)"', page):
        target = urlsplit(unescape(link))
        if not target.netloc and target.path and not target.path.startswith(ELSEWHERE):
            found.append(target.path + (f"?{target.query}" if target.query else ""))
    return found


def crawl(visitor: Visitor, person: str, routes: PageRoutes) -> list[Page]:
    """The pages that a person reaches by links, a few of each route."""
    waiting, seen, pages = deque(["/", "/me"]), set[str](), []
    taken = dict[tuple[str, bool], int]()
    while waiting:
        address = waiting.popleft()
        kind = routes.of(address), "?" in address
        if address in seen or taken.get(kind, 0) >= MANY:
            continue
        seen.add(address)
        answer = visitor.client.get(address)
        if answer.status_code >= 500:
            print(f"{address} as {person}: {answer.status_code}", file=sys.stderr)
        if answer.status_code != 200 or not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        taken[kind] = taken.get(kind, 0) + 1
        pages.append(Page(person, kind[0] + ("?" if kind[1] else ""), address))
        waiting.extend(linked(answer.text))
    return pages


def static_bytes(visitor: Visitor, page: str, known: dict[str, int]) -> int:
    """Bytes of script and style that a page loads, compressed; ends if one is not kept for ever."""
    wanted = re.findall(r'<(?:script[^>]* src|link rel="stylesheet" href)="([^"]+)"', page)
    for address in wanted:
        if address in known:
            continue
        with visitor.client.stream("GET", address) as answer:
            known[address] = sum(len(chunk) for chunk in answer.iter_raw())
            if answer.headers.get("cache-control") != FOR_EVER or "content-encoding" not in answer.headers:
                sys.exit(f"{address} is not compressed, or not kept for ever")
    return sum(known[address] for address in set(wanted))


def measured(city: PortalCity, computing: Computing, rounds: int) -> dict[str, Any]:
    listing = yaml.safe_load(ACTIONS.read_text("utf-8"))
    named = {deed for part in ("vault", "portal") for deed in listing[part].values()}
    routes = PageRoutes(sorted({*named, *GOT}, key=lambda deed: deed.count("{")))
    visitors = {person: Visitor(city, account) for person, account in PEOPLE.items()}
    pages = [page for person, visitor in visitors.items() for page in crawl(visitor, person, routes)]
    print(f"{len(pages)} addresses", file=sys.stderr, flush=True)
    times = dict[tuple[str, str], list[tuple[float, float]]]()
    static, weights = dict[str, int](), dict[str, int]()
    for number in range(rounds):
        computing.look()
        for page in pages if number % 2 else reversed(pages):
            before = computing.spent()
            spent, answer = visitors[page.person].timed(page.address)
            pair = spent, computing.spent() - before
            times.setdefault((page.person, page.route), []).append(pair)
            weights[page.address] = static_bytes(visitors[page.person], answer.text, static)
    return summary(times, weights)


GOT = (
    "GET /me",
    "GET /queue",
    "GET /feeds",
    "GET /datasets/{name}/quality",
    "GET /datasets/{name}/problems",
    "GET /datasets/{name}/request",
    "GET /people/{account}",
)
"""Pages that no deed of the API is listed on, with a part that differs."""


def summary(
    times: dict[tuple[str, str], list[tuple[float, float]]], weights: dict[str, int]
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "page": f"{person} {route}",
            "median_ms": round(median(spent for spent, _ in pairs), 1),
            "best_ms": round(min(spent for spent, _ in pairs), 1),
            "worst_ms": round(max(spent for spent, _ in pairs), 1),
            "computing_ms": round(median(computed for _, computed in pairs), 1),
        }
        for (person, route), pairs in times.items()
    ]
    rows.sort(key=lambda row: -float(row["computing_ms"]))
    heaviest = max(weights, key=weights.__getitem__)
    return {
        "pages": len(rows),
        "median_ms": round(median(row["median_ms"] for row in rows), 1),
        "median_computing_ms": round(median(row["computing_ms"] for row in rows), 1),
        "slowest": rows[:10],
        "over": {row["page"]: row["computing_ms"] for row in rows if row["computing_ms"] > GOAL_MS},
        "static": {"page": heaviest, "bytes": weights[heaviest], "goal": GOAL_BYTES},
        "by_page": {row["page"]: [row["computing_ms"], row["median_ms"]] for row in rows},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--usage", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with portal_city() as city, city.running():
        filled = Filling(city, datasets=asked.datasets, usage=asked.usage).fill()
        found = measured(city, Computing([os.getpid()]), asked.rounds)
    for page, (computed, clock) in sorted(found["by_page"].items(), key=lambda each: -each[1][0]):
        print(f"{computed:9.1f} {clock:9.1f}  {page}")
    print(json.dumps({"filled": filled} | found, ensure_ascii=False))
    over = found["over"]
    print(
        f"{found['pages'] - len(over)} of {found['pages']} pages at most {GOAL_MS:.0f} ms of computing",
        end="",
    )
    print(f"; over: {', '.join(over)}" if over else "")


if __name__ == "__main__":
    main()
