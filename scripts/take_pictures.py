"""Takes the pictures of the documentation from a running demo city, in both languages: `make pictures`.

The city must be up (`make up`), and its story played once (`cihu tour --against .cihu`), so that there is
something to see. What a picture needs beyond that is done here, by the commands of the documentation. A
picture stands in docs/pictures/NAME.png, and its Chinese one in docs/pictures/zh_CN/NAME.png.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "docs" / "pictures"
PLACES = {"en": FOLDER, "zh-CN": FOLDER / "zh_CN"}
SIZE: ViewportSize = {"width": 1200, "height": 760}
COLOURS = 128
WAITING = ("queued", "running")
SEALED = (
    "import cihu\n"
    'rows = cihu.inputs["health.visits"]\n'
    'adults = rows[rows["child"] == 0]\n'
    'each = adults.groupby(["coinsurance", "person"])["doctor_visits"].mean().reset_index()\n'
    'table = each.groupby("coinsurance").agg(n=("doctor_visits", "size"), mean=("doctor_visits", "mean"))\n'
    'table.round({"n": -1, "mean": 1}).to_csv(cihu.outbox / "visits.csv")\n'
)
QUESTION = (
    "SELECT coinsurance, COUNT(*) AS person_years, AVG(doctor_visits) AS visits\n"
    "FROM health.visits\nGROUP BY coinsurance"
)
ROWS = "编号,区县,年份,年龄\n" + "".join(
    f"P{row:04},{('城东', '城西', '湖滨')[row % 3]},{2023 + row % 2},{row * 7 % 90}\n" for row in range(600)
)


@dataclass(frozen=True)
class City:
    """A running city: its folder, and the addresses of its portal and hub."""

    home: Path
    portal: str
    hub: str

    def command(self, *words: str, who: str) -> str:
        """What a `cihu` command prints."""
        program = Path(sys.executable).with_name("cihu")
        done = subprocess.run(
            [program, *words, "--as", who, "--home", self.home],
            env={**os.environ, "CIHU_PASSWORD": "cihu-demo"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"cihu {words[0]}: {done.stderr or done.stdout}")
        return done.stdout


Shows = Callable[[City, Page], None]
"""Leads a page to what the picture shows."""


def at(path: str) -> Shows:
    return lambda city, page: open_at(city, page, path)


def open_at(city: City, page: Page, path: str) -> None:
    page.goto(city.portal + path)
    page.wait_for_load_state()


def first_link(of: str, matching: str) -> Shows:
    """The page behind the first link of another page that matches."""

    def show(city: City, page: Page) -> None:
        open_at(city, page, of)
        links = [link.get_attribute("href") or "" for link in page.locator("main a").all()]
        found = [link for link in links if re.search(matching, link)]
        if not found:
            raise SystemExit(f"{of} has no link to {matching}: was the tour played?")
        open_at(city, page, found[0])

    return show


def ask(city: City, page: Page) -> None:
    """The price of a question, before it is asked."""
    open_at(city, page, "/ask")
    page.locator("textarea[name=sql]").fill(QUESTION)
    page.locator("input[name=epsilon]").fill("0.5")
    page.locator("button[name=step][value=price]").click()
    page.locator("button[name=step][value=ask]").wait_for()


def answer(city: City, page: Page) -> None:
    """An answer with its intervals. The same question is free: it is asked for each picture."""
    ask(city, page)
    page.locator("button[name=step][value=ask]").click()
    page.wait_for_url("**/answers/**")


def draft(city: City, page: Page) -> None:
    """The columns of an uploaded file, with what is suggested."""
    open_at(city, page, "/drafts/upload")
    page.locator("input[type=file]").set_input_files(
        {"name": "vaccinations.csv", "mimeType": "text/csv", "buffer": ROWS.encode()}
    )
    page.locator("main form button:not([name])").first.click()
    page.wait_for_url(re.compile(r"/drafts/\d+"))
    number = re.findall(r"/drafts/(\d+)", page.url)[0]
    open_at(city, page, f"/drafts/{number}/columns")


def workspace(city: City, page: Page) -> None:
    """The guided notebook beside the panel of grants."""
    open_at(city, page, "/")
    page.locator(f"a[href^='{city.hub}'], a[href='/workspace']").first.click()
    page.locator(".jp-NotebookPanel:visible").wait_for(timeout=180_000)
    page.locator(".jp-Cell:visible").first.wait_for()
    page.locator("#tab-key-1-1, .jp-SideBar.jp-mod-left li[data-id='cihu-panel']").first.wait_for()
    page.locator(".jp-SideBar li[data-id='cihu-panel']").click()
    page.locator("#cihu-panel li").first.wait_for(timeout=60_000)


@dataclass(frozen=True)
class Picture:
    name: str
    who: str | None
    """Nobody, or a person of the demo city."""
    shows: Shows
    other: str = ""
    """Who it is in Chinese, if somebody else: an open workspace keeps its language."""
    below: str = ""
    """What the picture begins with, if not with the top of the page (a CSS selector)."""


PICTURES = (
    Picture("home", None, at("/")),
    Picture("dataset", None, at("/datasets/health.visits")),
    Picture("ask", "wang", ask),
    Picture("answer", "wang", answer),
    Picture("workspace", "wang", workspace, other="li"),
    Picture("desk", "lin", at("/")),
    Picture("request", "lin", first_link("/queue", r"/requests/\d+$")),
    Picture("draft", "lin", draft, below="main table"),
    Picture("review", "lin", first_link("/reviews", r"/reviews/.+"), below="main h2:has(code)"),
    Picture("product", "chen", first_link("/products", r"/products/visits")),
    Picture("licence", "chen", first_link("/licences", r"/licences/\d+")),
    Picture("board", None, first_link("/competitions/lake-contest", r"/boards/")),
    Picture("log", None, at("/log")),
    Picture("health", "he", at("/health")),
)


def prepare(city: City) -> None:
    """A request and an output wait for an officer."""
    folder = Path(tempfile.mkdtemp())
    waiting = json.loads(city.command("requests", "list", "--json", who="lin"))
    if not waiting["requests"]:
        purpose = "比较不同自付比例的就诊次数 Compare visits by the share that people pay"
        city.command("request", "health.visits", "--purpose", purpose, "--epsilon", "2", who="zhao")
    if not json.loads(city.command("reviews", "--json", who="lin")):
        (folder / "study.py").write_text(SEALED, "utf-8")
        about = {"name": "visits", "entry": "study.py", "inputs": ["health.visits"], "limit": "10s"}
        (folder / "cihu.yaml").write_text(yaml.safe_dump(about), "utf-8")
        ran = json.loads(city.command("run", str(folder), "--json", who="wang"))
        wish = folder / "wish.yaml"
        words = {
            "statbarn": "mean",
            "context": "Mean visits of adults to a doctor by the share of the bill that they pay",
            "controls": "Each person counts once, counts are rounded to 10, means to one digit",
        }
        wish.write_text(yaml.safe_dump({"visits.csv": words}), "utf-8")
        wait_for_end(city, ran["id"])
        city.command("release", ran["id"], str(wish), who="wang")
    shutil.rmtree(folder)


def wait_for_end(city: City, run: str) -> None:
    """Its end is told at the moment that the limit declares."""
    while True:
        runs = json.loads(city.command("runs", "--json", who="wang"))
        if next(each["state"] for each in runs if each["id"] == run) not in WAITING:
            return
        time.sleep(1)


@contextmanager
def browser_of(launch: Callable[..., Browser]) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit(
            "There is no chromium on this machine (Debian: apt-get install chromium fonts-noto-cjk)."
        )
    opened = launch(executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else [])
    yield opened
    opened.close()


def log_in(city: City, page: Page, who: str) -> None:
    open_at(city, page, "/login")
    page.locator("input[name=account]").fill(who)
    page.locator("input[name=password]").fill("cihu-demo")
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(f"{city.portal}/")


def take(city: City, context: BrowserContext, picture: Picture, who: str | None, path: Path) -> None:
    page = context.new_page()
    if who:
        log_in(city, page, who)
    picture.shows(city, page)
    page.evaluate("document.activeElement?.blur()")
    if picture.below:
        page.locator(picture.below).first.evaluate("each => each.scrollIntoView()")
    image = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.relative_to(CHECKOUT), f"{path.stat().st_size // 1024} KB", flush=True)


def main() -> None:
    home = Path(os.environ.get("CIHU_HOME", ".cihu")).resolve()
    try:
        known = json.loads((home / "city.json").read_text("utf-8"))
    except FileNotFoundError:
        raise SystemExit(f"No city runs in {home}: `make up` starts one.") from None
    city = City(home, known["addresses"]["portal"], known["addresses"]["hub"])
    wanted = set(sys.argv[1:])
    prepare(city)
    with sync_playwright() as play, browser_of(play.chromium.launch) as browser:
        for language, folder in PLACES.items():
            for picture in PICTURES:
                if not wanted or picture.name in wanted:
                    with browser.new_context(
                        locale=language, viewport=SIZE, timezone_id="Asia/Shanghai", reduced_motion="reduce"
                    ) as context:
                        who = picture.other if picture.other and folder != FOLDER else picture.who
                        take(city, context, picture, who, folder / f"{picture.name}.png")


if __name__ == "__main__":
    main()
