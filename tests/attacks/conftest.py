"""Things worth attacking."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from declared_tables import declaring
from source_fixtures import owner, postgres_port

__all__ = ["declaring", "owner", "postgres_port"]

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder of the host that every user can reach; pytest's own is shut."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
