"""Chinese texts have full-width punctuation: no half-width comma, colon, semicolon or bracket between Chinese
characters, nor between one and a placeholder.

Patterns (raw strings) are code, and migrations stay as they were written.
"""

import io
import re
import tokenize
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HAN = r"[\u3400-\u9fff]"
HALF_WIDTH = re.compile(rf"{HAN}[,:;()](?={HAN}|\{{|[\"'])|\}}[,:;()]{HAN}")
BESIDE_A_TEXT = re.compile(r"\{\{ t(\.\w+)?\([^}]*\}\}[:;]|[:;] ?\{\{ t(\.\w+)?\(")
"""A half-width colon or semicolon of a template before or after a text of the catalogue."""
# GREATEST(LEAST(x, 上限), 下限) and the like are SQL: their brackets and commas are part of it
SQL = re.compile(r"[A-Z]{2,} ?\([^，。；]*\)|`[^`]*`")
FOLDERS = ("sandbox", "marketplace", "kernels/client")
TEXTS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def half_width(text):
    return [match[0] for match in HALF_WIDTH.finditer(SQL.sub(" ", text))]


def literals(source):
    """Where each string literal stands and its source, patterns left out."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in TEXTS and "r" not in token.string.split(token.string[-1])[0].lower():
            yield token.start[0], token.string


@pytest.mark.parametrize("folder", FOLDERS)
def test_texts_in_the_code_have_full_width_punctuation(folder):
    found, seen = [], 0
    for file in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" in file.parts:
            continue
        for line, text in literals(file.read_text("utf-8")):
            seen += bool(re.search(HAN, text))
            found += [f"{file.relative_to(ROOT)}:{line}: {fault}" for fault in half_width(text)]
    assert seen > 100, "texts were looked at"
    assert not found, "\n".join(found)


def test_reasons_in_the_policies_have_full_width_punctuation():
    lines = [
        (file, line)
        for file in sorted((ROOT / "policies").glob("*.cedar"))
        for line in file.read_text("utf-8").splitlines()
        if re.match(r"@\w+_zh\(", line)
    ]
    assert len(lines) > 50
    assert not [(file.name, line) for file, line in lines if half_width(line)]


def test_texts_in_the_policies_have_full_width_punctuation():
    found, seen = [], 0
    for file in sorted((ROOT / "policies").rglob("*.yaml")):
        for node in nodes(yaml.compose(file.read_text("utf-8"))):
            seen += 1
            found += [f"{file.name}:{node.start_mark.line + 1}: {fault}" for fault in half_width(node.value)]
    assert seen > 1000
    assert not found, "\n".join(found)


def nodes(node):
    """The texts of a YAML document, wherever they stand."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    else:
        for part in node.value:
            for inner in part if isinstance(part, tuple) else [part]:
                yield from nodes(inner)


def test_templates_write_no_half_width_colon_beside_a_text_of_both_languages():
    found, seen = [], 0
    for file in sorted((ROOT / "marketplace/portal/templates").glob("*.html")):
        for line, text in enumerate(file.read_text("utf-8").splitlines(), start=1):
            seen += "{{ t(" in text
            found += [f"{file.name}:{line}: {fault[0]}" for fault in BESIDE_A_TEXT.finditer(text)]
    assert seen > 500, "texts were looked at"
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{{ t('version') }}: {{ x }}", True),
        ("{{ t.of('state', x) }}; {{ y }}", True),
        ("{{ x }}:{{ t('version') }}", True),
        ("{{ t('version') }}{{ '：' if language == 'zh' else ': ' }}{{ x }}", False),
        ("<a href=\"{{ x }}:1\">{{ t('version') }}</a>", False),
    ],
)
def test_half_width_colons_of_templates_are_found(text, wrong):
    assert bool(BESIDE_A_TEXT.search(text)) == wrong


@pytest.mark.parametrize(
    "text",
    ["数据,可用", "数据:可用", "数据;可用", "数据(可用)", "数据,{x}", "{x}:可用", '"数据,"', "版本 {x}(可用"],
)
def test_half_width_punctuation_is_found(text):
    assert half_width(text)


@pytest.mark.parametrize(
    "text",
    [
        "数据，可用（{x}）",
        "error=0.05 表示 ±5 %",
        "请写 GREATEST(LEAST({x}, 上限), 下限)，上下限为数字。",
        "请写 `{x:数据}`",
        "{zh: 就诊, en: Visits}",
    ],
)
def test_code_and_full_width_punctuation_are_let_be(text):
    assert not half_width(text)
