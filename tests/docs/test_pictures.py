"""Every picture of the documentation is made by a command, exists in both languages, and is shown."""

import re
import sys

import pytest
from PIL import Image

from docs.tutorial_blocks import CHECKOUT

sys.path.append(str(CHECKOUT / "scripts"))
from take_pictures import PICTURES, PLACES, SIZE

SHOWN = re.compile(r"!\[([^\]]+)\]\((?:\.\./)?pictures/([\w-]+)\.png\)")


def test_pages_show_what_the_command_takes_and_nothing_else() -> None:
    pages = (page.read_text("utf-8") for page in (CHECKOUT / "docs").rglob("*.md"))
    shown = [name for page in pages for _, name in SHOWN.findall(page)]
    assert sorted(shown) == sorted(each.name for each in PICTURES)


@pytest.mark.parametrize("language", PLACES)
def test_each_picture_stands_in_both_languages(language: str) -> None:
    files = {file.stem: file for file in PLACES[language].glob("*.png")}
    assert files.keys() == {each.name for each in PICTURES}
    for file in files.values():
        with Image.open(file) as picture:
            assert picture.size == (SIZE["width"], SIZE["height"]), file.name
