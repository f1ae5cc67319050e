"""A kernel environment for tests that seal a real interpreter."""

from pathlib import Path

import pytest

KERNEL_PYTHON = Path(__file__).parents[2] / ".venv-kernel" / "bin" / "python"


@pytest.fixture(scope="session")
def kernel_python() -> Path:
    assert KERNEL_PYTHON.exists(), "run `make setup`: the kernel's environment is missing"
    return KERNEL_PYTHON
