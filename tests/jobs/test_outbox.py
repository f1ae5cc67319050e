"""Whatever lies in an outbox, only plain files with plain names are collected,
and nothing that leads elsewhere is followed."""

import os
import socket
import stat
from pathlib import Path

import pytest

from sandbox.jobs.outbox import DEEPEST, MOST_ENTRIES, MOST_FILE_BYTES, MOST_FILES, collect

CANARY = b"canary: a file of the host"


@pytest.fixture
def host_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("host") / "secret.txt"
    file.write_bytes(CANARY)
    return file


def test_plain_files_are_collected_as_they_are(tmp_path: Path, descriptor: int) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for path, body in {"t.csv": b"x\n", "a/B.txt": b"", "a/b/c": b"\0\xff"}.items():
        (tmp_path / path).write_bytes(body)
    found = collect(descriptor)
    assert found.files == {"t.csv": b"x\n", "a/B.txt": b"", "a/b/c": b"\0\xff"} and found.left_out == []


def test_links_pipes_sockets_and_devices_are_left_out_and_not_opened(
    tmp_path: Path, descriptor: int, host_file: Path
) -> None:
    (tmp_path / "link").symlink_to(host_file)
    (tmp_path / "folder").symlink_to(host_file.parent)
    (tmp_path / "relative").symlink_to("../../../../etc/passwd")
    os.link(host_file, tmp_path / "hard")
    os.mkfifo(tmp_path / "pipe")  # opened as usual, it would hold us up for ever
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(tmp_path)
        made.bind("socket")
        os.chdir(here)
    names = {"link", "folder", "relative", "hard", "pipe", "socket"}
    if os.geteuid() == 0:
        os.mknod(tmp_path / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        names.add("zero")
    found = collect(descriptor)
    assert found.files == {} and {one.path for one in found.left_out} == names


def test_a_folder_that_becomes_a_link_is_not_followed(
    tmp_path: Path, descriptor: int, host_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is dead by then; but were it not, this is what it would try: CVE-2024-28189."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret.txt").write_text("own")
    plain_open = os.open
    looks = 0

    def swapped(path: str, flags: int, *more: int, dir_fd: int | None = None) -> int:
        nonlocal looks
        looks += path == "folder"
        if looks == 2:  # it was listed; now it is to be read
            looks += 1
            (tmp_path / "folder").rename(tmp_path / "gone")
            (tmp_path / "folder").symlink_to(host_file.parent)
        return plain_open(path, flags, *more, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapped)
    found = collect(descriptor)
    assert looks == 3 and CANARY not in found.files.values()
    assert [one.path for one in found.left_out] == ["folder/secret.txt"]


@pytest.mark.parametrize(
    "name", ["表.csv", "a b", ".hidden", "-rf", "a\nb", "x" * 101, "a\u202eb", "b'\\xff'"]
)
def test_a_name_that_could_carry_more_than_a_name_is_left_out_and_shown_escaped(
    name: str, tmp_path: Path, descriptor: int
) -> None:
    (tmp_path / name).write_text("x")
    found = collect(descriptor)
    assert found.files == {} and len(found.left_out) == 1
    assert found.left_out[0].path.isascii() and found.left_out[0].path.isprintable()


def test_bytes_that_are_no_text_in_a_name_are_shown_escaped(tmp_path: Path, descriptor: int) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")).write_text("x")
    [left] = collect(descriptor).left_out
    assert left.path.isascii()


def test_the_runs_own_log_and_exit_cannot_be_forged(tmp_path: Path, descriptor: int) -> None:
    (tmp_path / "exit.json").write_text("{}")
    (tmp_path / "log.txt").mkdir()
    (tmp_path / "log.txt" / "x").write_text("in a folder of that name it is another file")
    found = collect(descriptor)
    assert list(found.files) == ["log.txt/x"] and [one.path for one in found.left_out] == ["exit.json"]


def test_a_file_may_be_so_large_and_no_larger(tmp_path: Path, descriptor: int) -> None:
    (tmp_path / "fits").write_bytes(b"x" * MOST_FILE_BYTES)
    for name in ("large", "sparse"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(MOST_FILE_BYTES + 1 if name == "large" else 1 << 40)
    found = collect(descriptor)
    assert list(found.files) == ["fits"] and {one.path for one in found.left_out} == {"large", "sparse"}


def test_all_files_together_are_bounded_however_little_room_they_took(
    tmp_path: Path, descriptor: int
) -> None:
    for number in range(12):
        with (tmp_path / f"f{number:02}").open("wb") as file:
            file.truncate(MOST_FILE_BYTES)
    found = collect(descriptor)
    assert len(found.files) == 8 and len(found.left_out) == 4


def test_more_files_than_are_taken_are_left_out_in_the_order_of_their_names(
    tmp_path: Path, descriptor: int
) -> None:
    for number in range(MOST_FILES + 5):
        (tmp_path / f"f{number:03}").touch()
    found = collect(descriptor)
    assert len(found.files) == MOST_FILES and [one.path for one in found.left_out] == [
        f"f{n:03}" for n in range(100, 105)
    ]


def test_a_flood_of_entries_is_not_even_looked_through(tmp_path: Path, descriptor: int) -> None:
    for number in range(MOST_ENTRIES + 50):
        (tmp_path / f"f{number}").touch()
    found = collect(descriptor)
    assert found.files == {} and "nothing is collected" in found.left_out[0].why


def test_folders_in_folders_end_somewhere(tmp_path: Path, descriptor: int) -> None:
    deep = tmp_path.joinpath(*["d"] * (DEEPEST - 1))
    (deep / "d").mkdir(parents=True)
    (deep / "here").touch()
    (deep / "d" / "too-deep").touch()
    found = collect(descriptor)
    assert list(found.files) == ["d/d/d/here"] and [one.path for one in found.left_out] == ["d/d/d/d"]
