"""A service's secret is made once, is nobody else's to read, and where it is given it is never made."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from sandbox.errors import Unavailable
from sandbox.identity import read_secret


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "delivery.secret"
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as processes:
        [secret] = set(processes.map(read_secret, [file] * 8))
    assert len(secret) == 32 and read_secret(file) == secret
    assert file.stat().st_mode & 0o777 == 0o600 and os.listdir(file.parent) == [file.name]


def test_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.secret"
    read_secret(file)
    file.chmod(0o640)
    with pytest.raises(Unavailable, match=r"a\.secret.*mode 0600"):
        read_secret(file)
    assert read_secret(file, make=False), "a mounted secret is its group's"
    for mode in (0o644, 0o660):
        file.chmod(mode)
        with pytest.raises(Unavailable):
            read_secret(file, make=False)


def test_a_given_one_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"a\.secret.*Copy"):
        read_secret(tmp_path / "a.secret", make=False)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.secret").write_bytes(b"short")
    with pytest.raises(Unavailable, match="32 bytes"):
        read_secret(tmp_path / "a.secret", make=False)
