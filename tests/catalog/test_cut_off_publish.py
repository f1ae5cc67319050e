"""A publish that is killed at any step leaves nothing:
no version, no raw object after the next sweep, no raw byte in a file."""

import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from sandbox.catalog.sweep import sweep
from sandbox.catalog.tables import uploads
from sandbox.errors import Conflict, InvalidInput
from sandbox.standalone.s3 import S3Server
from story import POLICY, Story

CANARY = "CANARY-RAW-4711"
STEPS = (
    ("read_file", "after"),
    ("record", "before"),
    ("record", "after"),
    ("_register", "before"),
    ("owned", "after"),
    ("append", "after"),
)
"""Where it is killed: before or after that function of publish.py.
Between "record" and "_register" the object is stored."""
PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[6])
import sandbox.catalog.publish as module
from sandbox.database import Database
from sandbox.storage import RawStore
from story import open_shop, rows_csv
step, url, endpoint, access, secret = sys.argv[1:6]
before = getattr(module, step)
def die(*given, **named):
    if sys.argv[8] == "after":
        before(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, step, die)
story = open_shop(Database(url), RawStore(endpoint, access, secret, sys.argv[7]))
story.publish(rows_csv(50, extra="pX,north,1,1,1,CANARY-RAW-4711,2026-01-01,true,s\\n"))
"""


def recorded(story: Story) -> int:
    with story.database.transaction() as tx:
        return int(tx.execute(select(func.count()).select_from(uploads)).scalar_one())


def objects(story: Story) -> list[str]:
    return [stored.name for stored in story.store.versions("clinic.visits/")]


@pytest.mark.parametrize(("step", "when"), STEPS)
def test_a_publish_that_is_killed_leaves_nothing(
    story: Story, s3: S3Server, tmp_path: Path, step: str, when: str
) -> None:
    there = set(objects(story))
    home = Path(tempfile.mkdtemp(dir=tmp_path))
    url = story.database.engine.url.render_as_string(hide_password=False)
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            step,
            url,
            s3.endpoint,
            s3.vault.access_key,
            s3.vault.secret_key,
            str(Path(__file__).parents[1] / "support"),
            s3.raw_bucket,
            when,
        ],
        cwd=home,
        env={**os.environ, "TMPDIR": str(home), "HOME": str(home)},
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    assert not [file for file in home.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()]
    assert story.repository.all() == []
    left = set(objects(story)) - there
    assert len(left) <= 1
    assert recorded(story) >= len(left), "what was stored was recorded before"
    sweep(story.database, story.store)
    assert set(objects(story)) == there and recorded(story) == 0
    story.publish()
    sweep(story.database, story.store)
    assert len(set(objects(story)) - there) == 1, "and what a version owns is kept"
    assert story.repository.current("clinic.visits").number == 1


def test_a_publish_that_is_refused_at_the_end_leaves_no_object(story: Story) -> None:
    story.publish()
    there = set(objects(story))
    with pytest.raises(Conflict):
        story.publish(policy=POLICY.replace("kind: person", "kind: household"))
    assert set(objects(story)) == there and recorded(story) == 0


def test_objects_that_this_catalogue_did_not_record_are_never_removed(story: Story) -> None:
    others = story.store.put("clinic.visits/of-another-catalogue.parquet", b"theirs")
    assert sweep(story.database, story.store) == 0
    assert story.store.get(others.name, others.version_id) == b"theirs"
    story.store.remove(others)


IDS = POLICY.replace("max_rows: 4}", "max_rows: 4, ids: IDS}")
ROWS = b"person,district,year,cost,visits,note,day,smoker,secret\n" + b"".join(
    f"{id},north,1,1,1,n,2026-01-01,true,s\n".encode() for id in ("1x", "1X", "1X ", "2")
)


def units(story: Story) -> set[str]:
    version = story.repository.current("clinic.visits")
    table = pq.read_table(io.BytesIO(story.store.get(version.object_name, version.object_version)))
    return set(table["person"].to_pylist())


def test_ids_are_normalised_in_a_new_dataset_and_stay_as_they_were_in_an_old_one(story: Story) -> None:
    story.publish(ROWS)
    assert (
        units(story) == {"1X", "2"} and story.repository.current("clinic.visits").policy.ids == "normalised"
    )
    with pytest.raises(Conflict, match="ids"):
        story.publish(ROWS, policy=IDS.replace("IDS", "exact"))


def test_a_dataset_of_the_last_release_keeps_its_people_until_its_policy_says_otherwise(story: Story) -> None:
    # as the last release published, without a word of ids
    story.publish(ROWS, policy=IDS.replace("IDS", "exact"))
    assert units(story) == {"1x", "1X", "1X ", "2"}
    story.publish(ROWS)
    assert (
        units(story) == {"1x", "1X", "1X ", "2"}
        and story.repository.current("clinic.visits").policy.ids == "exact"
    )
    story.publish(ROWS, policy=IDS.replace("IDS", "normalised"))
    assert units(story) == {"1X", "2"}


def test_a_value_that_the_policy_lists_is_never_taken_for_an_empty_cell(story: Story) -> None:
    policy = POLICY.replace("values: [north, south, east]", "values: [NA, north]")
    body = b"person,district,year,cost,visits,note,day,smoker,secret\np,NA,1,1,1,NA,2026-01-01,true,s\n"
    story.publish(body, policy=policy)
    version = story.repository.current("clinic.visits")
    row = pq.read_table(io.BytesIO(story.store.get(version.object_name, version.object_version))).to_pylist()[
        0
    ]
    assert row["district"] == "NA" and row["note"] == "NA"
    with pytest.raises(InvalidInput, match="mark of an empty cell"):
        story.publish(body, policy=policy.replace("columns:", "empty_marks: [NA]\ncolumns:"))


def test_a_broken_version_is_set_aside_and_the_others_stay(story: Story) -> None:
    story.publish()
    story.publish(policy=POLICY.replace("clinic.visits", "clinic.other"))
    with story.database.transaction() as tx:
        tx.exec_driver_sql("UPDATE vault.dataset_versions SET policy = '{' WHERE dataset = 'clinic.visits'")
    assert [version.dataset for version in story.repository.all()] == ["clinic.other"]
    assert [(aside.dataset, aside.number, aside.department) for aside in story.repository.aside()] == [
        ("clinic.visits", 1, "health")
    ]
