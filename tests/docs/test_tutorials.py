"""Every command and cell of the tutorials works as it is written, and every how-to's commands too,
in one demo city."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.tutorial_blocks import CHECKOUT, RUN, TUTORIALS, Block, Cells, Reader, blocks_of, missing_lines
from sandbox.client.session import places
from sandbox.standalone.fresh import fresh_city
from sandbox.standalone.settings import read_settings
from sandbox.standalone.welcome import load_demo
from sandbox.standalone.workspace_visit import open_workspace

HOW_TO = CHECKOUT / "docs" / "how-to"
LESSONS = (
    "first-question",
    "first-dataset",
    "first-call",
    "sealed-study",
    "enter-a-competition",
    "hold-a-competition",
)
KINDS = {"sh", "python", "text", "console", "yaml", "sql"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Town:
    """The demo city, and a sealed kernel of wang's in it."""

    home: Path
    portal: str
    cells: Cells


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    settings = read_settings()
    with fresh_city() as home:
        load_demo(home, settings)
        where = places(home, {})
        with open_workspace(where, "wang", settings.password) as kernel:
            yield Town(home, where.portal, kernel._client)


def typed(page: Path, town: Town, folder: Path) -> None:
    """Type a page from top to bottom. What a `text` block shows must be what came of the block before it."""
    reader, came = Reader(folder, town.home, town.portal, town.cells), ""
    for block in blocks_of(page):
        if block.kind in RUN:
            came = reader.type(block)
            assert "Traceback" not in came, came
        elif block.kind == "text":
            assert not missing_lines(block.text, came), f"{page.name}, line {block.line}: not shown\n{came}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_tutorial_works_as_it_is_written(lesson: str, town: Town, tmp_path: Path) -> None:
    typed(TUTORIALS / f"{lesson}.md", town, tmp_path)


@pytest.mark.parametrize("page", sorted(HOW_TO.glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_a_how_to_work_that_need_nothing_but_the_demo_city(
    page: Path, town: Town, tmp_path: Path
) -> None:
    typed(page, town, tmp_path)


def test_every_tutorial_is_a_lesson_that_is_typed() -> None:
    assert {page.stem for page in TUTORIALS.glob("*.md")} == {*LESSONS, "index"}
    for lesson in LESSONS:
        assert sum(block.kind in RUN for block in blocks_of(TUTORIALS / f"{lesson}.md")) >= 5


@pytest.mark.parametrize("page", [*TUTORIALS.glob("*.md"), *HOW_TO.glob("*.md")], ids=lambda page: page.stem)
def test_a_block_says_whether_it_is_run(page: Path) -> None:
    """A tutorial leaves nothing to the reader but the start of the city;
    a how-to may show what needs more than a demo."""
    for block in blocks_of(page):
        assert block.kind in KINDS, (page, block.line)
        if page.parent == TUTORIALS:
            assert block.kind in {*RUN, "text"} or block == Block("console", "make up\n", block.line), (
                page,
                block.line,
            )


def test_a_line_that_did_not_come_out_is_found() -> None:
    assert missing_lines("12 rows\nthe end", "about 300 rows\nand so on") == ["the end"]
    assert missing_lines("the end\n12 rows", "0 rows\nthe end") == ["0 rows"]
    assert missing_lines("…\n1.5 fen", "nothing\n2 fen") == []
