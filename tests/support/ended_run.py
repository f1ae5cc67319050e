"""A run that has ended, in a city with a portal:
its files lie in quarantine, and nobody has asked for them."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from sandbox.catalog.dataset_repository import DatasetRepository
from sandbox.database import Database
from sandbox.identity import load_principal
from sandbox.jobs import RunContext
from sandbox.jobs.claim import claim
from sandbox.jobs.finish import finish
from sandbox.jobs.quarantine import put_files
from sandbox.jobs.submit import submit
from sandbox.policy import Gate
from sandbox.standalone.s3 import S3Server
from story import POLICIES
from workspace import CHECKOUT, KERNEL_PYTHON


def queued_run(
    city, database: Database, s3: S3Server, folder: Path, *, program: str
) -> tuple[RunContext, str]:
    """Of wang's, on a dataset that his team was granted over the vault's HTTP service.
    Returns the context that can go on, and the run's id."""
    wish = {
        "dataset": "clinic.visits",
        "team": "cihu-lake",
        "purpose": "研究各区就诊次数的差别",
        "epsilon": "1",
        "until": "2027-06-30",
    }
    with city.vault("wang") as wang, city.vault("lin") as lin:
        number = wang.post("/requests", json=wish).json()["id"]
        assert lin.post(f"/requests/{number}/approve", json={}).status_code == 200
    gate = Gate(POLICIES)
    context = RunContext(
        database,
        DatasetRepository(database, POLICIES),
        gate,
        s3.raw_store(),
        s3.quarantine_store(),
        folder=folder,
        python=KERNEL_PYTHON,
        lock=CHECKOUT / "kernels" / "requirements.lock",
    )
    with database.transaction() as tx:
        wang_now = load_principal(tx, "wang")
    run = submit(
        context,
        principal=wang_now,
        name="各区就诊",
        entry="main.py",
        files={"main.py": program},
        inputs=["clinic.visits"],
        limit_seconds=10,
    )
    return context, str(run.id)


def ended_run(
    city, database: Database, s3: S3Server, folder: Path, *, program: str, files: Mapping[str, bytes]
) -> str:
    """That run, ended, with these files in quarantine. Its id."""
    context, id = queued_run(city, database, s3, folder, program=program)
    assert claim(context)
    assert finish(database, UUID(id), put_files(context.quarantine, UUID(id), files))
    return id
