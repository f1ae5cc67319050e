"""An erasure that is killed between any two steps is completed at the next start, and told once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from lifecycle_story import lifecycle_of, publish_with
from sandbox.errors import NotFound
from sandbox.lifecycle.erase import finish_erasures
from sandbox.lifecycle.steps import propose
from sandbox.lifecycle.tables import lifecycle_steps
from sandbox.standalone.s3 import S3Server
from story import POLICY, Story

NAME = "clinic.visits"
STEPS = (("remove", "before", 0), ("remove", "after", 0), ("remove", "after", 1), ("append", "before", 0))
"""Before or after which call, and how many such calls are let pass."""
PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[6])
import sandbox.lifecycle.erase as module
from lifecycle_story import lifecycle_of
from sandbox.database import Database
from sandbox.storage import RawStore
from story import open_shop
step, url, endpoint, access, secret = sys.argv[1:6]
place, name = (RawStore, "remove") if step == "remove" else (module, "append")
real, passed = getattr(place, name), [int(sys.argv[9])]
def die(*given, **named):
    if passed[0]:
        passed[0] -= 1
        return real(*given, **named)
    if sys.argv[8] == "after":
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(place, name, die)
story = open_shop(Database(url), RawStore(endpoint, access, secret, sys.argv[7]))
module.finish_erasures(lifecycle_of(story))
"""


@pytest.mark.parametrize(("step", "when", "passed"), STEPS)
def test_a_killed_erasure_is_completed(story: Story, s3: S3Server, step: str, when: str, passed: int) -> None:
    low = POLICY.replace('grade: "4"', 'grade: "3"')
    publish_with(story, policy=low)
    publish_with(story, policy=low)
    propose(lifecycle_of(story), story.principal("lin"), NAME, "erase", reason="the law asks for it")
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            step,
            story.database.engine.url.render_as_string(hide_password=False),
            s3.endpoint,
            s3.vault.access_key,
            s3.vault.secret_key,
            str(Path(__file__).parents[1] / "support"),
            story.store.bucket,
            when,
            str(passed),
        ],
        env=os.environ,
        capture_output=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()[-2000:]
    with story.database.transaction() as tx:
        assert tx.execute(select(lifecycle_steps.c.state)).scalar_one() == "erasing"
    with pytest.raises(NotFound):
        story.repository.current(NAME)
    assert finish_erasures(lifecycle_of(story)) == 1
    assert not story.store.versions(f"{NAME}/")
    with story.database.transaction() as tx:
        assert tx.execute(select(lifecycle_steps.c.state)).scalar_one() == "done"
