"""A real vault and a real workspace with sealed kernels, and things worth attacking."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from asked_vault import asked
from declared_tables import declaring
from workspace_fixtures import kernel, one_kernel, short_home, vault, workspace

__all__ = ["asked", "declaring", "kernel", "one_kernel", "short_home", "vault", "workspace"]

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder of the host that every user can reach; pytest's own is shut."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
