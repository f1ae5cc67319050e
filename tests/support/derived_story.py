"""A derived dataset of two departments, from its proposal to its rows."""

import io
from dataclasses import dataclass

import pyarrow.parquet as pq

from derived_people import POLICY, TAPS, VISITS
from lifecycle_story import lifecycle_of
from sandbox.catalog.notice import PublishersWord
from sandbox.catalog.publish import publish
from sandbox.derivations.context import DerivationContext
from sandbox.derivations.derivations import agree, propose, read_derivation_of
from sandbox.derivations.run import run
from sandbox.derivations.schemas import DerivationDocument
from sandbox.drafts.context import DraftContext
from sandbox.identity import create_account
from sandbox.lifecycle.steps import propose as propose_step
from story import POLICIES, Story

SQL = """SELECT v.person, v.year, v.cost, t.taps, t.person IS NOT NULL AS rides
  FROM clinic.visits@1 AS v
  LEFT JOIN (SELECT person, COUNT(*) AS taps FROM bus.taps@1 GROUP BY person) AS t USING (person)
  WHERE v.cost >= 0"""
COLUMNS = """  year: {role: key, type: integer, values: {from: 2020, to: 2029}}
  cost: {role: measure, type: number, bounds: [0, 100], step: "0.5"}
  taps: {role: measure, type: integer, bounds: [0, 50], step: "1"}
  rides: {role: attribute, type: boolean}
"""
VISITS_ROWS = (
    b"person,year,cost,ward,day,diagnosis\nA,2024,5,a,,x\na ,2025,6,b,,y\nB,2025,7,,,\nC,2026,-1,,,\n"
)
TAPS_ROWS = b"person,stop,hour,fare\nA,x,8,2\nA,y,9,2\nC,x,7,2\nD,z,7,2\n"


def policy(name: str = "health.rides", sql: str = SQL, columns: str = COLUMNS, **changed: str) -> str:
    made = POLICY.format(name=name, department="health", rows=4) + columns
    for old, new in changed.items():
        made = made.replace(CHANGES[old][0], new)
    return made + "derive: |\n" + "\n".join(f"  {line}" for line in sql.splitlines()) + "\n"


CHANGES = {
    "grade": ('grade: "3"',),
    "population": ("population: residents",),
    "delta": ('delta: "1e-6"',),
    "epsilon": ('dataset_epsilon: "8"',),
    "rows": ("max_rows: 4",),
}


@dataclass
class Derived:
    story: Story
    context: DerivationContext

    def publish(self, text_: str, rows: bytes, officer: str) -> None:
        publish(
            self.story.database,
            repository=self.story.repository,
            store=self.story.store,
            gate=self.story.gate,
            populations=self.story.populations,
            officer=self.story.principal(officer),
            policy_text=text_,
            body=rows,
            opening=None,
        )

    def propose(self, text_: str, officer: str = "lin") -> DerivationDocument:
        return propose(self.context, self.story.principal(officer), text_)

    def agree(self, name: str, *officers: str) -> DerivationDocument:
        revision = self.read(name)["revision"]
        return [agree(self.context, self.story.principal(each), name, revision) for each in officers][-1]

    def run(self, name: str, officer: str = "lin") -> DerivationDocument:
        return run(
            self.context,
            self.story.principal(officer),
            name,
            word=PublishersWord(),
            confirmed=frozenset({"purpose_and_basis", "only_what_is_needed", "values_are_public"}),
        )

    def read(self, name: str, officer: str = "lin") -> DerivationDocument:
        return read_derivation_of(self.context, self.story.principal(officer), name)

    def made(self, name: str = "health.rides", sql: str = SQL) -> DerivationDocument:
        self.propose(policy(name, sql))
        self.agree(name, "sun", "zhou")
        return self.run(name)

    def rows(self, name: str) -> list[tuple[object, ...]]:
        version = self.story.repository.current(name)
        table = pq.read_table(io.BytesIO(self.story.store.get(version.object_name, version.object_version)))
        return list(zip(*(table.column(each).to_pylist() for each in table.column_names), strict=True))


def two_departments(story: Story) -> Derived:
    """clinic.visits is lin's, of health; bus.taps and city.register are zhou's, of another department."""
    with story.database.transaction() as tx:
        for account, organisation in (("sun", "health"), ("qian", "market")):
            create_account(
                tx,
                account_id=account,
                display_name=account,
                organisation=organisation,
                roles=["officer"],
                by="system",
            )
    drafting = DraftContext(
        story.database,
        story.repository,
        story.gate,
        story.store,
        POLICIES,
        story.populations,
        lambda _officer, _version: None,
    )
    made = Derived(story, DerivationContext(drafting, grain_seconds=0.05))
    made.publish(VISITS, VISITS_ROWS, "lin")
    made.publish(TAPS, TAPS_ROWS, "zhou")
    return made


def end(people: Derived, dataset: str, kind: str, officer: str = "zhou", **more: int) -> None:
    propose_step(
        lifecycle_of(people.story),
        people.story.principal(officer),
        dataset,
        kind,  # type: ignore[arg-type]
        reason="rows stand twice",
        **more,  # type: ignore[arg-type]
    )
