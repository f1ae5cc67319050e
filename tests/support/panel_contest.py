"""The demo city's competition on made-up people, with what the vault's process scores."""

import random
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from sandbox.competitions import competitions, set_up
from sandbox.competitions.context import CompetitionContext
from sandbox.splits import SplitRawStore
from sandbox.standalone.demo_competition import CONTEST, TRACK, ZONE, document
from sandbox.standalone.demo_panel import PANEL
from sandbox.standalone.s3 import S3Server
from split_people import POLICY, people_csv
from story import POLICIES, Story

SMALL = "clinic.often"
MINUTE = "%Y-%m-%d %H:%M"
QUESTIONS = """
  - id: asked
    title: {{zh: 问题, en: Questions}}
    task: document
    description: {{zh: 提出问题, en: Ask}}
    datasets: [{{dataset: {}, version: {}, features: [年龄]}}]
    entries: {{kinds: [questions], per_day: 3, in_total: 9, compute_seconds: 60}}
    jury:
      rounds:
        - id: written
          title: {{zh: 书面, en: Written}}
          weight: 100
          rubric: [{{id: value, title: {{zh: 价值, en: Value}}, points: 100}}]
"""
COLUMNS = [
    "person",
    "age",
    "female",
    "married",
    "children",
    "out_of_work",
    "education",
    "income",
    "visits",
    "hospital_days",
    "often",
]


def panel_csv(often: int = 2430, seldom: int = 2580, *, seed: int = 17) -> bytes:
    """Those who go often went more often before, as in the real data."""
    chance = random.Random(seed)
    lines = [",".join(COLUMNS)]
    for person in range(often + seldom):
        goes = person < often
        row = (
            person,
            chance.randint(25, 64),
            *(chance.randint(0, 1) for _ in range(4)),
            chance.randint(14, 36) / 2,
            chance.randint(0, 100) / 10,
            min(30, int(chance.expovariate(1 / (5 if goes else 1.5)))),
            0,
            str(goes).lower(),
        )
        lines.append(",".join(map(str, row)))
    return ("\n".join(lines) + "\n").encode()


def hold_small_contest(story: Story, s3: S3Server, name: str) -> None:
    """A competition on few people with Chinese columns, in which programs are told after half a minute."""
    policy, rows = POLICY.format(name=SMALL), people_csv().decode()
    for column, own in (("age", "年龄"), ("often", "常去")):
        policy = policy.replace(f"  {column}:", f"  {own}:")
        rows = rows.replace(f",{column}", f",{own}", 1)
    version = story.publish(rows.encode(), policy).version
    story.grant(dataset=SMALL)
    text = document(version.number, datetime.now(ZONE)).replace(CONTEST, name).replace(PANEL.dataset, SMALL)
    text = re.sub(r"features: \[.*\]\n( +)target: often", r"features: [年龄]\n\1target: 常去", text)
    text = re.sub(r"people: 2400, live: 920, final: 690", "people: 200, live: 20, final: 20", text)
    text = re.sub(r"people: 2550, live: 980, final: 710", "people: 400, live: 40, final: 40", text)
    for stated, own in (("seconds: 540", "seconds: 30"), ('"0.04"', '"1"'), ('rho: "0.1"', 'rho: "0.3"')):
        text = text.replace(stated, own)
    text = _with_jury(text, version.number)
    _held(story, s3, text, name, read_whole=["health.visits"])


def _with_jury(text: str, version: int) -> str:
    """The same with a track of named private questions, and with a phase for its jury before the final."""
    final = re.search(r"  - \{id: final, .*opens: (.{16}), closes: (.{16})\}\n", text)
    assert final is not None
    moment = datetime.strptime(final[2], MINUTE) + timedelta(days=2)
    phases = (
        f"  - {{id: panel, kind: jury, title: {{zh: 评审, en: Jury}}, opens: {final[1]}, "
        f"closes: {final[2]}}}\n"
        f"  - {{id: final, kind: final, title: {{zh: 决赛, en: Final}}, opens: {final[2]}, "
        f"closes: {moment.strftime(MINUTE)}}}\n"
    )
    return text.replace(final[0], phases).replace("\nteams:", QUESTIONS.format(SMALL, version) + "teams:", 1)


def hold_panel_contest(story: Story, s3: S3Server) -> None:
    """Publish the people, let the team of `story` ask about them, and hold the competition, split."""
    policy = (POLICIES / "datasets" / f"{PANEL.dataset}.yaml").read_text("utf-8")
    version = story.publish(panel_csv(), policy).version
    story.grant(dataset=PANEL.dataset)
    _held(story, s3, document(version.number, datetime.now(ZONE)), CONTEST)


def _held(story: Story, s3: S3Server, text: str, name: str, read_whole: Sequence[str] = ()) -> None:
    keys = s3.vault.access_key, s3.vault.secret_key
    store = SplitRawStore(s3.endpoint, *keys, s3.raw_bucket)
    store.follow(story.repository)
    context = CompetitionContext(story.database, story.repository, story.gate, POLICIES, store)
    lin, tang = story.principal("lin"), story.principal("tang")
    draft = competitions.write_draft(context, lin, text)
    competitions.agree(context, tang, name, draft["sha256"])
    competitions.announce(context, lin, name)
    left = [one["name"] for one in set_up.list_left(context, lin, name, TRACK)]
    set_up.make_split(context, lin, name, TRACK, accepted=left, read_whole=read_whole)
