"""A workspace starts without running node: nothing is built there, and asking costs half a second."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASKS = "import jupyterlab.commands as commands; commands.AppOptions().registry"


@pytest.mark.parametrize(
    ("before", "runs"),
    [
        ("", True),
        (
            "from sandbox.hub.server import WorkspaceServer; WorkspaceServer().find_server_extensions(); "
            "import jupyterlab.labapp; ",
            False,
        ),
    ],
)
def test_jupyterlab_does_not_ask_yarn(before: str, runs: bool, tmp_path: Path) -> None:
    """A program called node stands first in the path, and leaves a mark."""
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    node.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-c", before + ASKS], env=environment, check=True, capture_output=True)
    assert (tmp_path / "ran").exists() is runs
