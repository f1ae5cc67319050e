"""The index of the datasets: what it finds, and that its work does not grow with the number of datasets."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import insert, select, update

from sandbox.catalog.dataset_index import DatasetSearch, private_datasets, refresh_index, search_datasets
from sandbox.catalog.resource import dataset_resource
from sandbox.catalog.tables import dataset_index, dataset_versions, datasets
from sandbox.disclosure.checks.registry import CHECKS
from sandbox.disclosure.taxonomy import load_disclosure
from sandbox.oversight.request_facts import OversightContext
from sandbox.oversight.risk_limits import DEFAULT
from sandbox.oversight.risks import RiskContext, risks
from sandbox.oversight.scoreboard import scoreboard
from sandbox.releases.endpoints import grant_budgets
from sandbox.releases.tables import questions
from statements import statements_of
from story import POLICIES, POLICY, Story

MANY = 300


def names(story: Story, who: str = "wang", **wanted: object) -> tuple[list[str], int]:
    search = replace(DatasetSearch(), **wanted)  # type: ignore[arg-type]
    page = search_datasets(story.repository, story.gate, story.principal(who), search)
    return [each["name"] for each in page["datasets"]], page["total"]


def test_each_word_of_a_search_stands_somewhere_in_what_the_catalogue_says(story: Story) -> None:
    story.publish()
    assert names(story) == (["clinic.visits"], 1)
    for wanted, found in (("就诊", 1), ("VISITS health", 1), ("district", 1), ("cc0", 1), ("visits 检查", 0)):
        assert names(story, q=wanted)[1] == found, wanted
    assert names(story, department="market") == ([], 0)
    assert names(story, page=2) == ([], 1)
    # another version is another row, before anything is read of it
    story.publish(policy=POLICY.replace("就诊", "门诊"))
    assert names(story, q="门诊") == (["clinic.visits"], 1) and names(story, q="就诊") == ([], 0)
    assert private_datasets(story.repository) == ["clinic.visits"]


def test_a_version_that_cannot_be_read_is_set_aside_and_hinders_no_other(story: Story) -> None:
    story.publish()
    story.publish(policy=POLICY.replace("clinic.visits", "clinic.second"))
    with story.database.transaction() as tx:
        broken = dataset_versions.c.dataset == "clinic.visits"
        tx.execute(update(dataset_versions).where(broken).values(policy="dataset: ["))
    assert names(story) == (["clinic.second"], 1)
    assert [each.dataset for each in story.repository.aside()] == ["clinic.visits"]
    # withdrawn: there is none in use
    with story.database.transaction() as tx:
        tx.execute(update(datasets).where(datasets.c.name == "clinic.second").values(latest=0))
    assert names(story) == ([], 0)


def test_the_rules_know_of_a_dataset_no_more_than_what_the_index_decides_by(story: Story) -> None:
    story.publish()
    version = story.repository.current("clinic.visits")
    assert dataset_resource(version).attributes.keys() == {"department", "grade"}
    rules = [rule for file in POLICIES.glob("*.cedar") for rule in file.read_text("utf-8").split(";\n")]
    on_seeing = [rule for rule in rules if '"see"' in rule or "(principal, action, resource" in rule]
    assert len(on_seeing) >= 2
    assert not [rule for rule in on_seeing if re.search(r"resource\.id\b|resource (?:==|in) ", rule)]
    hidden = replace(story.principal("wang"), kind="public")
    page = search_datasets(story.repository, story.gate, hidden, DatasetSearch())
    assert (page["datasets"], page["total"]) == ([], 0)


def test_lists_and_counts_of_many_datasets_read_no_policy_and_ask_no_more(story: Story) -> None:
    story.publish()
    refresh_index(story.repository)
    facts = OversightContext(story.database, story.repository, story.gate)
    watch = RiskContext(facts, DEFAULT, load_disclosure(POLICIES / "disclosure.yaml", checks=CHECKS))
    now, lin = datetime.now(UTC), story.principal("lin")

    def asked() -> list[list[str]]:
        counts = []
        for deed in (
            lambda: names(story),
            lambda: risks(watch, lin, now=now),
            lambda: scoreboard(facts, lin, days=31, now=now),
        ):
            with statements_of(story.database) as sql:
                deed()
            counts.append(list(sql))
        return counts

    few = asked()
    with story.database.transaction() as tx:
        row = dict(tx.execute(select(dataset_index)).mappings().one())
        more = [f"clinic.d{number}" for number in range(MANY)]
        tx.execute(insert(datasets), [{"name": name, "department": "health", "latest": 1} for name in more])
        old = {"published_at": now - timedelta(days=40), "updates": "monthly", "budget": None}
        tx.execute(insert(dataset_index), [row | old | {"dataset": name} for name in more])
    many = asked()
    assert [len(each) for each in many] == [len(each) for each in few]
    assert not [sql for each in many for sql in each if "policy" in sql]
    assert names(story, page=2)[1] == MANY + 1
    overdue = risks(watch, lin, now=now + timedelta(days=10))["findings"]
    assert len([each for each in overdue if each["kind"] == "overdue_update"]) == MANY
    (own,) = [each for each in scoreboard(facts, lin, days=31)["departments"] if "counts" in each]
    assert own["counts"]["datasets"] == MANY + 1


def test_the_budgets_of_many_grants_are_read_at_once(story: Story) -> None:
    held = []
    for name in ("clinic.visits", "clinic.second"):
        story.publish(policy=POLICY.replace("clinic.visits", name))
        held.append(story.grant(dataset=name))
    refresh_index(story.repository)
    asked = {"digest": "d", "version": "v", "asked_by": "wang", "sql": "SELECT 1", "status": "released"}
    with story.database.transaction() as tx:
        # one that joins both is in the account of each; a free one is in none
        for grant, joined, cost in ((0, [held[1].id], 7), (1, [], 2), (1, [], 0)):
            more = {"id": uuid4(), "grant": held[grant].id, "joined_grants": joined, "picorho": cost}
            tx.execute(insert(questions).values(**asked, **more))
    counts, wang = [], story.principal("wang")
    for grants in (held[:1], held):
        with statements_of(story.database) as sql, story.database.transaction() as tx:
            told = grant_budgets(tx, story.repository, wang, grants)
        counts.append(len(sql))
        assert not [each for each in sql if "policy" in each]
    assert counts[0] == counts[1]
    assert [[person["picorho"] for person in each["spent"]["people"]] for each in told] == [[7], [9]]
    assert [len(each["spent"]["questions"]) for each in told] == [1, 2]
