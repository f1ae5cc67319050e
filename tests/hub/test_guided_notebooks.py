"""The guided notebooks are whole in both languages and compute the same in both; a person is given the set of
their language once, the other beside it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.hub.workspace import FIRST_NOTEBOOK, give_notebooks, prepare_workspace
from workspace import CHECKOUT

NOTEBOOKS = CHECKOUT / "notebooks"
NAMES = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
HAN = r"[\u3400-\u9fff]"
FULL_WIDTH = re.compile(r"[\u3000-\u303f\uff00-\uffef]")
CODE = re.compile(r"`[^`]*`|\]\([^)]*\)")  # code and the addresses of links
SENTENCE = re.compile(r"[A-Za-z]+(?:,? [A-Za-z]+){2,}")  # three words of English in a row
HALF_WIDTH = re.compile(rf"{HAN}[,.:;?!()]|[,:;?!()]{HAN}")
SWITCH = {("zh", "en"), ("en", "zh")}  # where the notebook shows the other language
Cell = dict[str, Any]


def cells(path: Path) -> list[Cell]:
    return list(json.loads(path.read_text("utf-8"))["cells"])


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def words(path: Path) -> Iterator[str]:
    for cell in cells(path):
        if cell["cell_type"] == "markdown":
            yield source(cell)


def code_and_texts(text: str) -> tuple[str, list[str]]:
    """A cell's code without comments and texts, and its texts in order."""
    head, texts = "", []
    if text.startswith("%%"):
        head, _, text = text.partition("\n")
        texts = re.findall(r'"([^"]*)"', head)
        head = re.sub(r'"[^"]*"', '""', head)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
            node.value = ""
    return head + ast.dump(tree), texts


def test_both_languages_have_the_same_notebooks() -> None:
    assert len(NAMES) >= 6 and NAMES[0] == FIRST_NOTEBOOK
    assert sorted(path.name for path in (NOTEBOOKS / "zh").glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_cells_and_code(name: str) -> None:
    english, chinese = cells(NOTEBOOKS / name), cells(NOTEBOOKS / "zh" / name)
    for cell in (*english, *chinese):
        assert not cell.get("outputs") and cell.get("execution_count") is None
    shape = [
        [{key: cell[key] for key in ("id", "cell_type", "metadata")} for cell in of]
        for of in (english, chinese)
    ]
    assert shape[0] == shape[1]
    for one, other in zip(english, chinese, strict=True):
        assert all(one[key] == other[key] for key in ("id", "cell_type", "metadata"))
        if one["cell_type"] != "code" or source(one) == source(other):
            continue
        code, texts = code_and_texts(source(one))
        code_zh, texts_zh = code_and_texts(source(other))
        assert code_zh == code, one["id"]
        for pair in zip(texts, texts_zh, strict=True):
            assert pair[0] == pair[1] or re.search(HAN, pair[1]) or pair in SWITCH, pair


@pytest.mark.parametrize("name", NAMES)
def test_the_english_set_has_no_chinese(name: str) -> None:
    text = (NOTEBOOKS / name).read_text("utf-8")
    assert not re.findall(HAN, text) and not FULL_WIDTH.findall(text)


@pytest.mark.parametrize("name", NAMES)
def test_the_chinese_set_is_whole_chinese_with_full_width_punctuation(name: str) -> None:
    for text in words(NOTEBOOKS / "zh" / name):
        for paragraph in text.split("\n\n"):
            assert re.search(HAN, paragraph), paragraph
        prose = CODE.sub("", text)
        assert not SENTENCE.findall(prose), text
        assert not HALF_WIDTH.findall(prose), text


def test_notebooks_are_given_once_and_stay_as_the_person_left_them(tmp_path: Path) -> None:
    folder = prepare_workspace(tmp_path, "wang")
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh") == FIRST_NOTEBOOK
    first, second = (folder / name for name in NAMES[:2])
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert first.read_bytes() == (NOTEBOOKS / "zh" / first.name).read_bytes()
    first.unlink()
    second.write_text("mine")
    give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh")
    assert not first.exists() and second.read_text() == "mine"


def test_the_other_language_comes_beside_and_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    folder = prepare_workspace(tmp_path, "wang")
    give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh")
    (folder / FIRST_NOTEBOOK).write_text("mine")
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "en") == f"en/{FIRST_NOTEBOOK}"
    english = folder / "en" / FIRST_NOTEBOOK
    assert english.read_bytes() == (NOTEBOOKS / FIRST_NOTEBOOK).read_bytes()
    assert (folder / FIRST_NOTEBOOK).read_text() == "mine"
    english.unlink()
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "en") == f"en/{FIRST_NOTEBOOK}"
    assert not english.exists()
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh") == FIRST_NOTEBOOK
    assert not (folder / "zh").exists()


def test_where_nothing_says_the_language_the_notebooks_are_chinese_or_as_before(tmp_path: Path) -> None:
    for person, language, heading in (("wang", "", "# 第一个问题"), ("li", "en", "# Your first question")):
        folder = prepare_workspace(tmp_path, person)
        give_notebooks(tmp_path, person, NOTEBOOKS, language)
        assert give_notebooks(tmp_path, person, NOTEBOOKS) == FIRST_NOTEBOOK
        assert sorted(path.name for path in folder.iterdir()) == NAMES
        assert next(words(folder / FIRST_NOTEBOOK)).startswith(heading)


def test_a_workspace_from_before_there_were_two_sets_keeps_its_own(tmp_path: Path) -> None:
    folder = prepare_workspace(tmp_path, "wang")
    give_notebooks(tmp_path, "wang", NOTEBOOKS, "en")
    (tmp_path / "hub" / "servers" / "wang" / "notebook-language").unlink()
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh") == f"zh/{FIRST_NOTEBOOK}"
    assert next(words(folder / FIRST_NOTEBOOK)).startswith("# Your first question")
    assert next(words(folder / "zh" / FIRST_NOTEBOOK)).startswith("# 第一个问题")


def test_a_file_with_the_name_of_the_folder_stays(tmp_path: Path) -> None:
    folder = prepare_workspace(tmp_path, "wang")
    give_notebooks(tmp_path, "wang", NOTEBOOKS, "zh")
    (folder / "en").write_text("mine")
    assert give_notebooks(tmp_path, "wang", NOTEBOOKS, "en") == FIRST_NOTEBOOK
    assert (folder / "en").read_text() == "mine"
