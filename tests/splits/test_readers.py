"""From the commitment until the split is opened, every reader of stored rows sees train people alone."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.budgets import Part
from sandbox.catalog.merge_rows import last_rows
from sandbox.catalog.model import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.derivations.compute import DerivedFile
from sandbox.engines.duckdb import DuckDBEngine
from sandbox.errors import CihuError, Conflict, Forbidden, NotFound
from sandbox.ingest import IdRule
from sandbox.jobs.inputs import given_rows
from sandbox.privacy import PrivacyLoss
from sandbox.reviews.raw_inputs import RawInputs
from sandbox.splits import load_split, open_split, part_rows, verify_split
from sandbox.splits.split_store import comparable
from sandbox.storage import ObjectVersion
from split_people import FORM, NAME, PEOPLE, POLICY, SplitStory, people_csv
from story import POLICIES, PROCESSES

ROOT = Path(__file__).parents[2]
# all files that may name the place of a version's rows, and why
PLACES = {
    "sandbox/storage/stores.py": "rows and whole",
    "sandbox/splits/split_store.py": "the filter",
    "sandbox/catalog/dataset_repository.py": "makes the version of its row",
}
WHOLE = {
    "sandbox/catalog/merge_rows.py": "the last version's rows go into the next one",
    "sandbox/splits/splits.py": "makes the split, scores its parts, checks it",
    "sandbox/splits/split_store.py": "the filter",
}


def people_in(parquet: bytes) -> set[str]:
    return set(pq.read_table(io.BytesIO(parquet)).column("person").to_pylist())


def read_by_all(city: SplitStory, version: Version) -> dict[str, int]:
    """How many people each reader finds; of these none may be held."""
    engine = DuckDBEngine(city.store, PROCESSES)
    derived = DerivedFile.__new__(DerivedFile)
    derived.store = city.store
    found: dict[str, pa.Table] = {
        "a sealed run": pq.read_table(io.BytesIO(given_rows(city.store, version).parquet)),
        "a derivation": pa.Table.from_batches(derived._rows(version).batches()),
        "whoever knows the object": pq.read_table(
            io.BytesIO(city.store.get(version.object_name, version.object_version, version.sha256))
        ),
        "the one place": pq.read_table(io.BytesIO(city.store.rows(version))),
    }
    counts = {name: len(set(table.column("person").to_pylist())) for name, table in found.items()}
    known = RawInputs(city.store)._of(version)
    counts["the output checks"] = known.columns.units if known.columns else -1
    counts["the engine"] = engine._private(version).units
    return counts


def test_every_reader_sees_train_people_alone_until_the_split_is_opened(city: SplitStory) -> None:
    before = city.publish()
    assert set(read_by_all(city, before).values()) == {PEOPLE}
    split = city.split()
    held, version = city.held(split), city.current()
    assert version.split == str(split.id) and version != before
    trains = PEOPLE - len(held)
    assert set(read_by_all(city, version).values()) == {trains}
    assert not people_in(city.store.rows(version)) & held
    # what was looked up before the split is not read with the rows of everybody
    with pytest.raises(Conflict) as refused:
        city.store.rows(before)
    assert refused.value.code == "split_meanwhile"
    with pytest.raises(Conflict):
        city.store.open(ObjectVersion(version.object_name, version.object_version, 10, version.sha256))
    # new rows go in beside those of everybody, and held people are not seen in a new version either
    assert len(last_rows(city.store, version)) == PEOPLE
    newer = city.publish(people_csv(PEOPLE + 10))
    assert newer.number == 2
    newer = city.current()
    assert people_in(city.store.rows(newer)) == {f"P{one}" for one in range(PEOPLE + 10)} - held
    # nor in another dataset about the same people
    city.publish(people_csv(50), name="clinic.others")
    other = city.current("clinic.others")
    assert people_in(city.store.rows(other)) == {f"P{one}" for one in range(50)} - held
    # scoring reads the parts, exactly so many people of each class
    for part in (Part.LIVE, Part.FINAL):
        _, rows = part_rows(city.store, city.story.repository, split.id, part)
        assert len(rows) == 120 and sum(rows.column("often").to_pylist()) == 40
        assert set(rows.column("person").to_pylist()) <= held
    with pytest.raises(ValueError):
        part_rows(city.store, city.story.repository, split.id, Part.TRAIN)
    with pytest.raises(Conflict):
        verify_split(city.store, city.story.repository, split.id)
    opened = open_split(
        city.story.database,
        repository=city.story.repository,
        store=city.store,
        gate=city.story.gate,
        officer=city.story.principal("lin"),
        id=split.id,
    )
    assert opened.state == "opened" and opened.seed
    assert verify_split(city.store, city.story.repository, split.id)
    assert len(people_in(city.store.rows(city.current()))) == PEOPLE + 10
    # a question that was looked up under the split still computes with its people
    assert people_in(city.store.rows(version)) == {f"P{one}" for one in range(PEOPLE)} - held
    with pytest.raises(Conflict):
        part_rows(city.store, city.story.repository, split.id, Part.LIVE)


def test_a_dataset_with_other_ids_is_not_read_unless_it_was_accepted(city: SplitStory) -> None:
    city.publish()
    other_ids = POLICY.format(name="clinic.pseudonyms").replace(
        "columns:", "steps:\n  - {pseudonym: person}\ncolumns:"
    )
    city.story.publish(people_csv(20), other_ids)
    with pytest.raises(Conflict) as refused:
        city.split()
    assert refused.value.code == "ids_not_comparable" and "clinic.pseudonyms" in refused.value.message
    city.split(read_whole=["clinic.pseudonyms"])
    assert len(people_in(city.store.rows(city.current("clinic.pseudonyms")))) == 20
    city.story.publish(people_csv(20), other_ids.replace("clinic.pseudonyms", "clinic.later"))
    with pytest.raises(Conflict) as refused:
        city.store.rows(city.current("clinic.later"))
    assert refused.value.code == "split_cannot_follow"


def test_what_left_earlier_is_refused_or_accepted_by_name(city: SplitStory) -> None:
    city.publish()
    grant = city.story.grant(dataset=NAME)
    from sandbox.releases import ask

    ask(
        city.story.context,
        principal=city.story.principal("wang"),
        sql=f"SELECT COUNT(*) FROM {NAME} WHERE often",
        epsilon=None,
        grant_id=grant.id,
    )
    with pytest.raises(Conflict) as refused:
        city.split()
    assert refused.value.code == "left_earlier"
    names = re.findall(r"question:[0-9a-f-]+", refused.value.message)
    assert len(names) == 1
    split = city.split(accepted=names)
    # the same question is another one now: about train people, and it is paid
    with city.story.database.transaction() as tx:
        from sandbox.budgets import Account, Level
        from sandbox.budgets.parts import parts_of

        assert Part.TRAIN not in parts_of(tx, Account(Level.DATASET, NAME), split.id)
    ask(
        city.story.context,
        principal=city.story.principal("wang"),
        sql=f"SELECT COUNT(*) FROM {NAME} WHERE often",
        epsilon=None,
        grant_id=grant.id,
    )
    with city.story.database.transaction() as tx:
        assert parts_of(tx, Account(Level.DATASET, NAME), split.id)[Part.TRAIN].picorho > 0


def test_what_left_of_another_dataset_about_the_same_people_is_listed(city: SplitStory) -> None:
    city.publish()
    other = "clinic.other"
    city.publish(people_csv(), other)
    grant = city.story.grant(dataset=other)
    from sandbox.releases import ask

    ask(
        city.story.context,
        principal=city.story.principal("wang"),
        sql=f"SELECT COUNT(*) FROM {other} WHERE often",
        epsilon=None,
        grant_id=grant.id,
    )
    with pytest.raises(Conflict) as refused:
        city.split()
    assert refused.value.code == "left_earlier"
    city.split(accepted=re.findall(r"question:[0-9a-f-]+", refused.value.message))


def test_ids_that_are_read_in_one_way_are_compared() -> None:
    text = POLICY.replace("max_rows: 1", "max_rows: 1, ids: normalised")
    first = read_policy(text.format(name=NAME), schema=POLICIES / "dataset.schema.json")
    other = read_policy(text.format(name="clinic.other"), schema=POLICIES / "dataset.schema.json")
    number = text.format(name="clinic.number").replace("role: unit, type: text", "role: unit, type: integer")
    assert comparable(other, first)
    assert not comparable(read_policy(number, schema=POLICIES / "dataset.schema.json"), first)
    assert not comparable(replace(other, ids=IdRule.EXACT), first)


def test_who_may_split_and_what_is_refused(city: SplitStory) -> None:
    city.publish()
    with pytest.raises(Forbidden):
        city.split(officer=city.story.principal("zhou"))
    with pytest.raises(CihuError) as refused:
        city.split(form=FORM.__class__("nothing", FORM.strata))
    assert refused.value.code == "bad_split"
    with pytest.raises(Conflict) as too_large:
        city.split(live=PrivacyLoss(10**15))
    assert too_large.value.code == "budget_promised"
    from uuid import uuid4

    with pytest.raises(NotFound):
        load_split(city.story.database, uuid4())
    split = city.split()
    assert split.seed is None and load_split(city.story.database, split.id) == split
    with pytest.raises(Conflict) as twice:
        city.split()
    assert twice.value.code == "population_split"


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [(r"\.object_version\b", PLACES), (r"\b(store|raw|self)\.whole\(version\)", WHOLE)],
)
def test_nobody_else_reads_the_rows_of_a_version(pattern: str, allowed: dict[str, str]) -> None:
    """By construction: rows are read by `rows`, which filters. What else names an object's version are files
    of drafts, pushes, runs and reviews, and reviewed open copies of data about nobody: they are no rows of a
    version."""
    others = {
        "sandbox/drafts/files.py", "sandbox/pushes/batches.py", "sandbox/reviews/earlier_differences.py",
        "sandbox/reviews/release.py", "sandbox/reviews/run_package.py", "sandbox/reviews/read.py",
        "sandbox/reviews/checks.py", "sandbox/splits/splits.py",
        "sandbox/public/views.py", "sandbox/models/predict.py", "sandbox/models/register.py",
        "sandbox/models/sources.py", "sandbox/models/sealed_use.py",  # released files
    }  # fmt: skip
    found = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "sandbox").rglob("*.py")
        if re.search(pattern, file.read_text()) and "/tables.py" not in str(file)
    }
    assert found <= {*allowed, *(others if "object_version" in pattern else ())}
