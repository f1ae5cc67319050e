"""The quick reader of YAML reads what the one with lines reads, or leaves it to it."""

import random
import textwrap
import unicodedata
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox.policy.quick_yaml import quickly_read

POLICIES = Path(__file__).parents[2] / "policies"
FILES = sorted(POLICIES.rglob("*.yaml"))
SMALL = [text for file in FILES if len(text := file.read_text("utf-8")) < 6000]
PIECES = [
    ":",
    ": ",
    "- ",
    "? ",
    "#",
    " #",
    '"',
    "'",
    "|\n",
    ">\n",
    ">-\n  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    "\n\n",
    "  ",
    "~",
    "null",
    "Null",
    "true",
    "TRUE",
    "yes",
    "on",
    "no",
    "1",
    "01",
    "0o7",
    "0x1F",
    "1_0",
    "1e5",
    "1.5",
    ".5",
    "5.",
    "-",
    "--- ",
    "---\n",
    "...\n",
    "-1",
    "+1",
    "1:30",
    "2024-01-05",
    "<<: ",
    "=",
    "&a ",
    "*a",
    "!!str ",
    "!x ",
    "@",
    "`",
    "%",
    "\\",
    "\\/",
    "\\u0041",
    "\\x41",
    "é",
    "é",
    "磁湖",
    "\u3000",
    "\xa0",
    "\x85",
    "\t",
    "\r",
    ".inf",
    ".nan",
    "NaN",
    "key: v\n",
    "- x\n",
    "{a: 1}",
    '{"a":1}',
    '["a":1]',
    "[a: b]",
    "[a:b]",
    "{a:1}",
    "{a}",
    '"a\\\n  b"',
    "'a\n  b'",
    "x\n y",
    ": x",
    "?x",
    ":x",
    "-x",
    "9007199254740993",
    "123456789012345678901",
    "0.1",
    "10.00",
    "-0",
    "-0.0",
    "1.",
    '"\\0"',
    '"\\ud800"',
    "k: |\n",
    "k: >-\n",
    "- |2\n",
    "x: |+\n",
    "# c\n",
]


def with_lines(text: str) -> object:
    """What the other reader reads, as plain values; None for a fault."""
    reader = YAML(typ="rt", pure=True)
    reader.allow_duplicate_keys = False
    try:
        return plain(reader.load(text))
    except (YAMLError, ValueError, KeyError):
        return None


def plain(node: object) -> object:
    match node:
        case dict():
            return {plain(name): plain(value) for name, value in node.items()}
        case list():
            return [plain(each) for each in node]
        case bool() | None:
            return node
        case str():
            return str(node)
        case int():
            return int(node)
        case float():
            return float(node)
    raise ValueError("of YAML's own")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(POLICIES)))
def test_our_own_files_are_read_alike(file: Path) -> None:
    text = file.read_text("utf-8")
    read = quickly_read(text)
    assert read is not None or file.name == "identifiers.yaml", "it takes many times as long"
    assert read is None or repr(read) == repr(with_lines(text))


def test_whatever_is_read_quickly_is_read_alike_by_the_other() -> None:
    """Over parts of our files with something put in, and over pieces in a row."""
    chance, read = random.Random(1), 0
    for number in range(2000):
        if number % 2:
            lines = chance.choice(SMALL).split("\n")
            first = chance.randrange(len(lines))
            text = textwrap.dedent("\n".join(lines[first : first + chance.randint(1, 8)]))
            for _ in range(chance.randint(0, 3)):
                place = chance.randrange(len(text) + 1)
                text = text[:place] + chance.choice(PIECES) + text[place + chance.randint(0, 1) :]
        else:
            text = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 8)))
        text = unicodedata.normalize("NFC", text)
        if (quick := quickly_read(text)) is not None:
            read += 1
            assert repr(quick) == repr(with_lines(text)), repr(text)
    assert read > 100


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "a: !!int '1'",
        "a: 2024-01-05",
        "a: 0o17",
        "a: 1_000",
        "a: 12:30",
        "a: .inf",
        "a:",
        "a: ~",
        "<<: {a: 1}",
        "1: a",
        '["a":1]',
        "a: [",
        "--- a",
        "a: 1234567890123456789",
        'a: "\\0"',
    ],
)
def test_what_is_doubtful_is_left_to_the_reader_with_lines(text: str) -> None:
    assert quickly_read(text) is None
