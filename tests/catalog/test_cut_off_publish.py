"""A publish that is killed at any step leaves nothing:
no version, no raw object after the next sweep, no raw byte in a file."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from sandbox.catalog.row_file import BucketOverflow
from sandbox.catalog.sweep import record, sweep
from sandbox.catalog.tables import uploads
from sandbox.errors import Conflict, InvalidInput
from sandbox.ingest.spool import Spool
from sandbox.ingest.unit_order import UnitOrder
from sandbox.standalone.s3 import S3Server
from sandbox.storage import ObjectVersion, RawStore
from sandbox.vault.loading import Loading
from story import POLICY, Story, rows_csv

publishing = sys.modules["sandbox.catalog.publish"]
reading = sys.modules["sandbox.ingest.read"]
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
            story.store.bucket,
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


SORTING = """
import os, signal, sys
sys.path.insert(0, sys.argv[5])
from dataclasses import fields
from pathlib import Path
import sandbox.catalog.publish as publishing
import sandbox.ingest.read as reading
import sandbox.ingest.unit_order as order
from sandbox.catalog.row_file import BucketOverflow
from sandbox.database import Database
from sandbox.ingest.spool import Spool
from sandbox.storage import RawStore
from story import open_shop, rows_csv
url, endpoint, access, secret = sys.argv[1:5]
publishing.Spool = lambda overflow: Spool(overflow, limit=2000)
reading.UnitOrder = lambda schema, unit, spool: order.UnitOrder(schema, unit, spool, 5000, 800, 3000)
canary, seen = b"CANARY-RAW-4711", []
before, keep = BucketOverflow.clear, BucketOverflow.keep
def kept(self, packed):
    files = [path for path in Path(os.environ["HOME"]).rglob("*") if path.is_file()]
    seen.extend(path for path in files if canary in path.read_bytes())
    return keep(self, packed)
BucketOverflow.keep = kept
def look(self):
    print(len(self._kept), len(seen), flush=True)
    if sys.argv[7] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    before(self)
BucketOverflow.clear = look
story = open_shop(Database(url), RawStore(endpoint, access, secret, sys.argv[6]))
rows = rows_csv(400, extra="pX,north,1,1,1,CANARY-RAW-4711,2026-01-01,true,s\\n")
print(story.publish(rows).version.sha256)
"""


@pytest.mark.parametrize("end", ["killed", "whole"])
def test_rows_that_wait_while_they_are_sorted_are_in_the_bucket_alone_and_are_swept(
    story: Story, s3: S3Server, tmp_path: Path, end: str
) -> None:
    """With next to no memory: each run waits in objects that are recorded before. What comes out is what a
    sort in memory gives."""
    there = set(objects(story))
    url = story.database.engine.url.render_as_string(hide_password=False)
    keys = (s3.vault.access_key, s3.vault.secret_key)
    support = str(Path(__file__).parents[1] / "support")
    child = subprocess.run(
        [sys.executable, "-c", SORTING, url, s3.endpoint, *keys, support, story.store.bucket, end],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == (-signal.SIGKILL if end == "killed" else 0), child.stderr[-2000:]
    waited, in_files = map(int, child.stdout.splitlines()[0].split())
    assert waited > 10 and in_files == 0
    assert not [
        file for file in tmp_path.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()
    ]
    left = set(objects(story)) - there
    assert len(left) == (waited + 1 if end == "killed" else 1)
    assert recorded(story) == (2 if end == "killed" else 0)
    sweep(story.database, story.store)
    assert recorded(story) == 0 and len(set(objects(story)) - there) == (0 if end == "killed" else 1)
    if end == "whole":
        body = rows_csv(400, extra="pX,north,1,1,1,CANARY-RAW-4711,2026-01-01,true,s\n")
        assert story.publish(body).version.sha256 == child.stdout.splitlines()[1]


def test_a_publish_that_is_refused_at_the_end_leaves_no_object(story: Story) -> None:
    story.publish()
    there = set(objects(story))
    with pytest.raises(Conflict):
        story.publish(policy=POLICY.replace("kind: person", "kind: household"))
    assert set(objects(story)) == there and recorded(story) == 0


def test_a_refused_file_leaves_no_row_that_was_still_being_packed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last run is stored by a thread of its own: it may come after the refusal."""
    there, refused = set(objects(story)), threading.Event()
    keep, close = BucketOverflow.keep, Spool.close

    def late(self: BucketOverflow, packed: pa.Buffer) -> Callable[[], pa.Buffer]:
        refused.wait(120)
        return keep(self, packed)

    def closed(self: Spool) -> None:
        refused.set()
        close(self)

    monkeypatch.setattr(BucketOverflow, "keep", late)
    monkeypatch.setattr(Spool, "close", closed)
    monkeypatch.setattr(publishing, "Spool", lambda overflow: Spool(overflow, limit=2000))
    monkeypatch.setattr(
        reading, "UnitOrder", lambda schema, unit, spool: UnitOrder(schema, unit, spool, 5000, 800, 3000)
    )
    with pytest.raises(InvalidInput):
        story.publish(rows_csv(400, extra="pX,north,no number,1,1,s,2026-01-01,true,s\n"))
    assert refused.is_set() and set(objects(story)) == there and recorded(story) == 0


def test_an_upload_stays_recorded_while_objects_of_it_come(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "clinic.visits/late.sorting"
    record(story.database, dataset="clinic.visits", object_names=(name,))
    story.store.put(f"{name}/0", b"rows")
    remove = RawStore.remove

    def remove_and_another_comes(self: RawStore, stored: ObjectVersion) -> None:
        remove(self, stored)
        self.put(f"{name}/1", b"rows")

    with monkeypatch.context() as patched:
        patched.setattr(RawStore, "remove", remove_and_another_comes)
        assert sweep(story.database, story.store) == 0 and recorded(story) == 1
    assert sweep(story.database, story.store) == 1 and recorded(story) == 0
    assert not story.store.versions(name)


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


def test_a_start_waits_a_while_for_rows_and_loads_the_others_behind(story: Story) -> None:
    """One whose rows are not what was published is set aside by then, and hinders no other."""
    for name in ("a", "visits", "z"):
        story.publish(policy=POLICY.replace("clinic.visits", f"clinic.{name}"))
    with story.database.transaction() as tx:
        tx.exec_driver_sql(
            "UPDATE vault.dataset_versions SET sha256 = repeat('0', 64) WHERE dataset = 'clinic.a'"
        )
    loading = Loading(story.repository, story.context.engine)
    asyncio.run(loading.go_on(0))
    assert not story.repository.aside(), "it waited"
    asyncio.run(loading.go_on_behind())
    assert [aside.dataset for aside in story.repository.aside()] == ["clinic.a"]
    assert [version.dataset for version in story.repository.all()] == ["clinic.visits", "clinic.z"]
