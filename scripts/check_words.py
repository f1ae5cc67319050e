"""Refuses the names and phrases that were left behind (`left_words.toml`), with the word to use instead.

Names of files and folders, identifiers and the texts of messages are looked at. Comments are not.
A module whose docstring begins with a question is refused, too: it begins with what the module holds or does.
Only a file that holds one of the words at all is tokenized, so the check takes less than a second.
"""

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "scripts" / "left_words.toml"
# what earlier releases wrote must stay as it was; the check's own test names the words
FROZEN = re.compile(r"/migrations/versions/|^tests/old_home/|^tests/docs/test_left_words\.py$")
# the first sentence of a module's docstring; a full stop inside a word or number does not end it
FIRST_SENTENCE = re.compile(r'\A(?:#![^\n]*\n)?r?"""(.*?[.?!:])(?:\s|""")', re.DOTALL)
STATED = ("sandbox/", "marketplace/", "kernels/client/", "tests/support/", "scripts/")
PLAIN = {".cedar", ".html", ".ipynb"}  # whole files of text that people read
TEXTS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}  # the latter from Python 3.12


def main() -> int:
    faults = list(left_words(ROOT, tracked_files(ROOT), tomllib.loads(TABLE.read_text())))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def tracked_files(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def left_words(root: Path, files: Iterable[str], table: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """A line for each place where a word of the table is used."""
    identifiers, messages = table["identifiers"], table["messages"]
    phrases = re.compile(
        "|".join(r"\s+".join(map(re.escape, each.split())) for each in messages), re.IGNORECASE
    )
    anything = re.compile(rf"\b(?:{'|'.join(identifiers)})\b|(?i:{phrases.pattern})")
    for name in files:
        if FROZEN.search(name):
            continue
        path = Path(name)
        yield from _in_name(path, table["files"])
        if path.suffix not in PLAIN | {".py"}:
            continue
        text = (root / path).read_text(encoding="utf-8")
        if name.startswith(STATED) and (begins := FIRST_SENTENCE.match(text)) and begins[1].endswith("?"):
            yield f"{name}:1: the module's docstring begins with a question: begin with a statement"
        if not anything.search(text):
            continue
        if path.suffix in PLAIN:
            for number, line in enumerate(text.splitlines(), start=1):
                yield from _in_text(path, number, line, phrases, messages)
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and token.string in identifiers:
                yield f"{name}:{token.start[0]}: `{token.string}`: use {identifiers[token.string]}"
            elif token.type in TEXTS:
                yield from _in_text(path, token.start[0], token.string, phrases, messages)


def _in_name(path: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Python modules, and the folders that hold them."""
    if path.suffix != ".py":
        return
    for part in (*path.parts[:-1], path.stem):
        if part in files:
            yield f"{path}: the name `{part}`: use {files[part]}"
    for folder, instead in files.items():
        if "/" in folder and path.is_relative_to(folder):
            yield f"{path}: the folder `{folder}`: use {instead}"


def _in_text(
    path: Path, number: int, text: str, phrases: re.Pattern[str], messages: Mapping[str, str]
) -> Iterator[str]:
    for match in phrases.finditer(text):
        phrase = " ".join(match[0].split())
        line = number + text.count("\n", 0, match.start())
        yield f"{path}:{line}: “{phrase}”: use {messages[phrase.lower()]}"


if __name__ == "__main__":
    sys.exit(main())
