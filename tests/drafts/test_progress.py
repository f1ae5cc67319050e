"""How far the work on a file is: the last work alone, never more than there is, and an end to each stream."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from sandbox.cli.file_progress import STEPS, sending, shown
from sandbox.client.session import _WatchedFile
from sandbox.drafts.progress import KEPT, ProgressBoard, events
from sandbox.ingest import InMemory
from sandbox.ingest.progress import CountedSource


def taken(stream: AsyncIterator[str]) -> list[str]:
    async def all_of_it() -> list[str]:
        return [event async for event in stream]

    return anyio.run(all_of_it)


def test_a_work_that_is_not_the_last_of_its_file_changes_nothing() -> None:
    board, file = ProgressBoard(), uuid4()
    with board.work(file, "draft") as first, board.work(file, "publish") as second:
        second.step("reading", 100)
        first.step("inspecting", 7)
        first.bytes(5)
        second.bytes(70)
        second.bytes(70)  # some bytes are read twice
        second.rows(9)
        standing = board.standing(file)
        assert standing is not None
        assert (standing.work, standing.step, standing.bytes, standing.of_bytes, standing.rows) == (
            "publish",
            "reading",
            100,
            100,
            9,
        )
    ended = board.standing(file)
    assert ended is not None and ended.ended and ended.work == "publish"


def test_only_the_last_files_are_known() -> None:
    board, first = ProgressBoard(), uuid4()
    with board.work(first, "draft"):
        for _ in range(KEPT):
            with board.work(uuid4(), "draft"):
                pass
        assert board.standing(first) is None


def test_a_stream_ends_with_the_work_and_where_there_is_none() -> None:
    board, file = ProgressBoard(), uuid4()
    assert taken(events(board, file, 0)) == [] and taken(events(board, file, 0.1)) == []
    with board.work(file, "draft") as work:
        work.step("inspecting", 10)
        [now] = taken(events(board, file, 0))
        assert now.startswith("event: progress\ndata: ") and now.endswith("\n\n")
        told = json.loads(now.split("data: ")[1])
        assert told == {"work": "draft", "step": "inspecting", "bytes": 0, "of_bytes": 10, "rows": 0}

    async def watched() -> list[str]:
        seen: list[str] = []

        async def watch() -> None:
            seen.extend([event async for event in events(board, file)])

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await anyio.wait_all_tasks_blocked()
            with board.work(file, "publish"):
                pass
        return seen

    seen = anyio.run(watched)
    assert seen and seen[-1].startswith("event: end\n"), "a work that had ended before is not taken for it"
    assert '"work": "publish"' in seen[-1]


def test_every_byte_that_is_read_is_counted_however_it_is_read() -> None:
    board, file, body = ProgressBoard(), uuid4(), bytes(range(256)) * 20
    with board.work(file, "draft") as work:
        work.step("opening", len(body))
        stream = CountedSource(InMemory(body), work).open()
        assert stream.read(100) == body[:100]
        stream.seek(5000)
        assert io.BufferedReader(stream).read() == body[5000:]  # type: ignore[type-var]
        standing = board.standing(file)
        assert standing is not None and standing.bytes == 100 + len(body) - 5000


def test_the_line_says_bytes_and_rows_where_there_are_some() -> None:
    standing = {
        "work": "publish",
        "step": "reading",
        "bytes": 1_500_000,
        "of_bytes": 3_000_000,
        "rows": 12_000,
    }
    assert shown(standing) == {
        "description": STEPS["reading"],
        "total": 3_000_000,
        "completed": 1_500_000,
        "told": "1.5 MB of 3.0 MB, 12,000 rows",
    }
    assert shown(standing | {"of_bytes": 0, "rows": 0, "step": "new"}) == {
        "description": "new",
        "total": None,
        "completed": 1_500_000,
        "told": "",
    }


def test_a_file_is_sent_a_piece_at_a_time_and_nothing_is_shown_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, counted = tmp_path / "rows.csv", []
    file.write_bytes(b"x" * 300_000)
    with sending(file, quiet=False) as sent, _WatchedFile(file, counted.append) as stream:
        while part := stream.read(65_536):
            sent(len(part))
    assert sum(counted) == 300_000 and max(counted) == 65_536
    assert capsys.readouterr() == ("", "")
