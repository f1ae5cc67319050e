"""A competition of the health department, with a clock of its own and teams of made-up people."""

import json
import struct
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from sandbox.competitions import competitions, teams
from sandbox.competitions.context import CompetitionContext
from sandbox.competitions.document import Competition
from sandbox.competitions.record import document_of
from sandbox.identity import Principal, create_account
from story import POLICIES, Story

ZONE = ZoneInfo("Asia/Shanghai")
NAME = "lake-2027"

DOCUMENT = """\
competition: lake-2027
title: {zh: 磁湖大赛, en: Lake competition}
summary: {zh: 预测与应用设计, en: Prediction and application designs}
organiser: {department: health, contact: contest@health.example}
phases:
  - {id: signup, kind: registration, title: {zh: 报名, en: Registration}, opens: 2027-03-01 09:00, closes: 2027-03-10 18:00}
  - {id: a_board, kind: board, title: {zh: A 榜, en: Board A}, opens: 2027-03-05 09:00, closes: 2027-03-20 18:00, grace_minutes: 60}
  - {id: b_board, kind: board, title: {zh: B 榜, en: Board B}, opens: 2027-03-20 18:00, closes: 2027-03-25 18:00, grace_minutes: 60}
  - {id: panel, kind: jury, title: {zh: 评审, en: Jury}, opens: 2027-03-25 18:00, closes: 2027-03-30 18:00}
  - {id: finals, kind: final, title: {zh: 决赛, en: Final}, opens: 2027-03-30 18:00, closes: 2027-04-05 18:00}
tracks:
  - id: smoking
    title: {zh: 吸烟预测, en: Predict smoking}
    task: classification
    description: {zh: 预测是否吸烟, en: Predict who smokes}
    datasets: [{dataset: clinic.visits, version: 1, features: [district, year, cost], target: smoker}]
    entries: {kinds: [program], per_day: 2, in_total: 5, seconds: 60, compute_seconds: 600}
    board: {metric: accuracy, strata: [{name: all, people: 600, live: 100, final: 100}], rho: "0.1", final_rho: "0.1", smallest_difference: "0.9", expected_teams: 4}
    prizes:
      - {title: {zh: 一等奖, en: First prize}, first_place: 1, last_place: 1, amount_fen: 1000000}
      - {title: {zh: 二等奖, en: Second prize}, first_place: 2, last_place: 3, amount_fen: 500000}
  - id: design
    title: {zh: 应用设计, en: Application design}
    task: document
    description: {zh: 设计一个应用, en: Design an application}
    entries: {kinds: [document], per_day: 3, in_total: 9, compute_seconds: 60}
    jury:
      rounds:
        - id: written
          title: {zh: 书面, en: Written}
          weight: 60
          rubric:
            - {id: value, title: {zh: 价值, en: Value}, points: 60}
            - {id: craft, title: {zh: 工艺, en: Craft}, points: 40}
        - id: defence
          title: {zh: 答辩, en: Defence}
          weight: 40
          admits: 2
          rubric: [{id: talk, title: {zh: 陈述, en: Talk}, points: 100}]
teams: {largest: 2, fixed_from: 2027-03-20 18:00}
eligibility: {account_days: 30}
outside_data: {rule: declared}
ownership:
  entries: {zh: 归参赛团队所有, en: Entries belong to their teams}
  models: {zh: 归参赛团队所有, en: Models belong to their teams}
rules: {zh: 公平竞赛, en: Play fair}
terms: {zh: 本人同意, en: I agree}
notice: {days: 7, appeal_days: 3}
"""  # noqa: E501


def local(day: str, hour: str = "12:00") -> datetime:
    """A moment of the competition's zone, such as `local("03-05")` for noon on 5 March 2027."""
    return datetime.strptime(f"2027-{day} {hour}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)


@dataclass
class Contest:
    """`now` is the clock of everything that is done."""

    story: Story
    now: datetime = field(default_factory=lambda: local("02-01"))
    slots: int = 1

    @cached_property
    def context(self) -> CompetitionContext:
        return CompetitionContext(
            self.story.database,
            self.story.repository,
            self.story.gate,
            POLICIES,
            clock=lambda: self.now,
            slots=self.slots,
        )

    @property
    def document(self) -> Competition:
        return document_of(DOCUMENT)

    def person(self, id: str) -> Principal:
        return self.story.principal(id)

    def people(self, *ids: str, organisation: str = "hbpu") -> None:
        with self.story.database.transaction() as tx:
            for id in ids:
                create_account(
                    tx,
                    account_id=id,
                    display_name=id,
                    organisation=organisation,
                    roles=["analyst"],
                    by="system",
                )

    def announced(self, text: str = DOCUMENT) -> None:
        """Drafted by lin, agreed to by tang, announced."""
        draft = competitions.write_draft(self.context, self.person("lin"), text)
        competitions.agree(self.context, self.person("tang"), NAME, draft["sha256"])
        competitions.announce(self.context, self.person("lin"), NAME)

    def form(self, person: str, team: str, *, hidden: bool = False) -> tuple[int, str]:
        """The team's number and its invitation."""
        made, invitation, _ = teams.form(
            self.context,
            self.person(person),
            NAME,
            team=team,
            terms_sha256=self.document.terms_sha256,
            hidden=hidden,
        )
        return made["id"], invitation

    def join(self, person: str, invitation: str) -> None:
        teams.join(
            self.context,
            self.person(person),
            NAME,
            invitation=invitation,
            terms_sha256=self.document.terms_sha256,
        )


def safetensors(**arrays: list[float]) -> bytes:
    """A file of the format, of vectors of doubles."""
    head, body = {}, b""
    for name, values in arrays.items():
        packed = struct.pack(f"<{len(values)}d", *values)
        places = [len(body), len(body) + len(packed)]
        head[name] = {"dtype": "F64", "shape": [len(values)], "data_offsets": places}
        body += packed
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body
