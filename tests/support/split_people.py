"""A small city whose people are split: one row a person, with a target of two classes."""

from dataclasses import dataclass

from sandbox.catalog.model import Version
from sandbox.database import Database
from sandbox.privacy import PrivacyLoss
from sandbox.splits import Split, SplitForm, SplitRawStore, Stratum, commit_split
from stories_s3 import StoriesS3
from story import Story, open_story

NAME = "clinic.often"
PEOPLE = 600

POLICY = """
dataset: {name}
title: {{zh: 就诊, en: Visits}}
summary: {{zh: 测试, en: Made-up rows for tests}}
department: health
grade: "2"
source: {{name: made up, licence: CC0-1.0}}
about_rows: 600
population: residents
unit: {{column: person, kind: person, max_rows: 1}}
budget: {{delta: "1e-6", dataset_epsilon: "8", grant_epsilon: "4", question_epsilon: "0.5"}}
columns:
  person: {{role: unit, type: text, grade: "4"}}
  age: {{role: measure, type: integer, bounds: [0, 100], step: "1", required: true}}
  often: {{role: attribute, type: boolean}}
"""
FORM = SplitForm(
    "often",
    (
        Stratum("often", 200, 40, 40, values=(True,), positive=True),
        Stratum("seldom", 400, 80, 80, values=(False,)),
    ),
)
RHO = PrivacyLoss(10**11)


def people_csv(people: int = PEOPLE, *, first: int = 0) -> bytes:
    """A third of them go often, who are older."""
    lines = [
        f"p{number},{60 + number % 7 if number % 3 == 0 else 30 + number % 11},{str(number % 3 == 0).lower()}"
        for number in range(first, first + people)
    ]
    return "\n".join(["person,age,often", *lines, ""]).encode()


@dataclass
class SplitStory:
    story: Story
    store: SplitRawStore

    def publish(self, body: bytes | None = None, name: str = NAME) -> Version:
        return self.story.publish(people_csv() if body is None else body, POLICY.format(name=name)).version

    def split(self, form: SplitForm = FORM, **more: object) -> Split:
        return commit_split(
            self.story.database,
            repository=self.story.repository,
            store=self.store,
            gate=self.story.gate,
            **{  # type: ignore[arg-type]
                "officer": self.story.principal("lin"),
                "dataset": NAME,
                "form": form,
                "live": RHO,
                "final": RHO,
                **more,
            },
        )

    def current(self, name: str = NAME) -> Version:
        return self.story.repository.current(name)

    def held(self, split: Split) -> frozenset[str]:
        return self.store.held(split.id).units


def open_split_story(database: Database, s3: StoriesS3) -> SplitStory:
    """People, rules and an empty catalogue over a bucket that follows its splits."""
    keys = s3.vault.access_key, s3.vault.secret_key
    store = SplitRawStore(s3.endpoint, *keys, s3.stories_bucket)
    story = open_story(database, store)
    store.follow(story.repository)
    return SplitStory(story, store)
