"""Tests of the check that refuses words that were left behind (`scripts/check_words.py`)."""

import runpy
import tomllib
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
CHECK = runpy.run_path(str(SCRIPTS / "check_words.py"))
TABLE = tomllib.loads((SCRIPTS / "left_words.toml").read_text())


def faults(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return list(CHECK["left_words"](folder, list(files), TABLE))


def test_a_left_name_is_found_as_a_file_an_identifier_and_in_a_message(tmp_path):
    found = faults(
        tmp_path,
        {
            "sandbox/jobs/leash.py": "",
            "sandbox/city/ports.py": "",
            "sandbox/a.py": "\nclass Shelf:\n    pass\n",
            "sandbox/b.py": 'x = 1\nsay = f"visits of Grown-ups in {x}"\n',
            "sandbox/c.py": 'say = """It is\nsent by way\nof Wuhan."""\n',
            "policies/d.cedar": '@reason_en("A buyer may shut a key.")\n',
        },
    )
    assert found == [
        "sandbox/jobs/leash.py: the name `leash`: use parent_death_signal",
        "sandbox/city/ports.py: the folder `sandbox/city`: use sandbox/standalone",
        "sandbox/a.py:2: `Shelf`: use DatasetRepository",
        "sandbox/b.py:2: “Grown-up”: use adult",
        "sandbox/c.py:2: “by way of”: use via",
        "policies/d.cedar:1: “shut a key”: use revoke a key",
    ]


def test_a_docstring_begins_with_a_statement(tmp_path):
    found = faults(
        tmp_path,
        {
            "sandbox/asks.py": '"""What is in v1.2 of it? A list."""\n',
            "sandbox/states.py": '"""Holds v1.2. Why not more? It is enough."""\n',
            "tests/asks.py": '"""Does it work?"""\n',
        },
    )
    assert found == [
        "sandbox/asks.py:1: the module's docstring begins with a question: begin with a statement"
    ]


def test_other_words_comments_and_what_earlier_releases_wrote_are_let_be(tmp_path):
    assert not faults(
        tmp_path,
        {
            "sandbox/a.py": "# a Shelf, by way of example\nBookShelf = 1\n",
            "sandbox/database/migrations/versions/0010_left_out.py": "Shelf = 1\n",
            "docs/shelf.md": "by way of",
        },
    )
