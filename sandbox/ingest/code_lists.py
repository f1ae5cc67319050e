"""Public code lists (policies/codes/*.yaml), and which of them all values of a column are in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from sandbox.errors import InvalidInput
from sandbox.ingest.headers import HeaderTerms, HeaderText
from sandbox.ingest.recognition import Column, DistinctTexts, distinct_texts
from sandbox.ingest.recognition.model import CONFIDENCES, Confidence
from sandbox.policy import YamlText

Written = Literal["codes", "labels"]

MANY_LABELS, MANY_CODES = 5, 3
SHORT = 2
"""Latin labels up to this length, such as M and F, could be anything."""


@dataclass(frozen=True)
class Code:
    """`also` are other labels in use, in any language."""

    code: str
    zh: str
    en: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class CodeList:
    """One list. `standard` and `published` are "" for a list that the city made itself.

    `date` is the year or the day of its edition.
    """

    id: str
    title_en: str
    title_zh: str
    standard: str
    source_en: str
    source_zh: str
    published: str
    date: str
    codes: tuple[Code, ...]
    header: HeaderTerms = field(repr=False)
    codes_need_header: bool
    labels_need_header: bool
    endings: tuple[str, ...] = ()

    def code_of(self, text: str, written: Written) -> str | None:
        """The code that a cell stands for, or None. Any width, case and leading zeros are read."""
        column = distinct_texts([text])
        return self._find(column.texts[0].as_py(), written) if column.different and column.cells else None

    def _find(self, spelling: str, written: Written) -> str | None:
        if written == "labels":
            return self.by_label.get(spelling)
        if self._width and spelling.isascii() and spelling.isdigit() and len(spelling) <= self._width:
            # a table of whole numbers has lost the zeros before a code
            return self._by_number.get(int(spelling))
        return self._by_code.get(spelling)

    def holds(self, column: DistinctTexts, written: Written) -> bool:
        """Whether all values of a column are in the list."""
        return (
            0 < column.different <= 2 * len(self.by_label)
            and column.cells > 0
            and all(self._find(text, written) is not None for text in column.texts.to_pylist())
        )

    @cached_property
    def by_label(self) -> dict[str, str]:
        """The code of each label, as `distinct_texts` writes it."""
        return dict(self.labels())

    def labels(self) -> Iterator[tuple[str, str]]:
        """Each label as it is compared, with its code."""
        for code in self.codes:
            labels = [code.zh, code.en, *code.also]
            short = next((code.zh.removesuffix(end) for end in self.endings if code.zh.endswith(end)), "")
            for label in distinct_texts([*labels, short]).texts.to_pylist():
                yield label, code.code

    @cached_property
    def _by_code(self) -> dict[str, str]:
        return {code.code: code.code for code in self.codes}

    @cached_property
    def _by_number(self) -> dict[int, str]:
        return {int(code.code): code.code for code in self.codes}

    @cached_property
    def _width(self) -> int:
        """Of codes that are all numbers, the longest; else 0."""
        codes = [code.code for code in self.codes]
        return max(map(len, codes)) if all(code.isdigit() for code in codes) else 0


@dataclass(frozen=True)
class CodeMatch:
    """All values of the column are in the list, as codes or as labels. The reasons quote no cell."""

    code_list: CodeList
    written: Written
    confidence: Confidence
    reason: str
    reason_zh: str


def load_code_lists(folder: Path) -> tuple[CodeList, ...]:
    """Read every list of a folder, by name, and check it with `codes.schema.json` beside the folder.
    Raises `InvalidInput`, naming the line, also when there is no list."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise InvalidInput(
            f"There is no code list in {folder.name}.",
            remedy="Keep the lists that come with Cihu in policies/codes.",
            zh=f"{folder.name} 中没有代码表。",
            remedy_zh="请保留随附于 policies/codes 的代码表。",
        )
    schema = folder.with_name("codes.schema.json")
    schema_text = schema.read_text("utf-8")
    return tuple(_list_of(path, path.read_text("utf-8"), schema, schema_text) for path in paths)


@lru_cache(maxsize=64)
def _list_of(path: Path, content: str, schema: Path, _schema_text: str) -> CodeList:
    """The list of a file with this content, kept: several parts of a service read the same lists."""
    text = YamlText(content, schema, what=f"{path.parent.name}/{path.name}")
    document: Any = text.document
    source = document["source"]
    code_list = CodeList(
        id=path.stem,
        title_en=document["title"]["en"],
        title_zh=document["title"]["zh"],
        standard=source.get("standard", ""),
        source_en=source["en"],
        source_zh=source["zh"],
        published=source.get("published", ""),
        date=document["date"],
        codes=tuple(
            Code(code, labels["zh"], labels["en"], tuple(labels.get("also", ())))
            for code, labels in document["values"].items()
        ),
        header=HeaderTerms.of(document["header"]),
        codes_need_header=document["codes_need_header"],
        labels_need_header=document["labels_need_header"],
        endings=tuple(document.get("endings", ())),
    )
    met: dict[str, str] = {}
    for label, code in code_list.labels():
        if met.setdefault(label, code) != code:
            raise text.fault(
                f"a label of {code!r} is one of {met[label]!r}, too.",
                "values",
                code,
                remedy="A label stands for one code.",
            )
    return code_list


def match(values: Column, header: str, lists: Iterable[CodeList]) -> CodeMatch | None:
    """The list that all values of the column are in, or None.

    The surest one is given; of equally sure ones the one that the header names, then the shorter.
    """
    column, words = distinct_texts(values), HeaderText.of(header)
    matches = [
        (found, code_list.header.name(words))
        for code_list in lists
        for written in ("codes", "labels")
        if (found := _match(column, code_list, written, in_header=code_list.header.name(words)))
    ]
    best = max(
        matches,
        key=lambda each: (
            CONFIDENCES.index(each[0].confidence),
            each[1],
            -len(each[0].code_list.codes),
        ),
        default=None,
    )
    return best[0] if best else None


def _match(
    column: DistinctTexts, code_list: CodeList, written: Written, *, in_header: bool
) -> CodeMatch | None:
    if not code_list.holds(column, written):
        return None
    confidence = _confidence(column, code_list, written, in_header=in_header)
    if confidence is None:
        return None
    standard = f" ({code_list.standard})" if code_list.standard else ""
    standard_zh = f"（{code_list.standard}）" if code_list.standard else ""
    kind_zh = "代码" if written == "codes" else "名称"
    reason = f"All different values of the column are {written} of this list: {code_list.title_en}{standard}."
    reason_zh = f"该列的全部取值都是代码表“{code_list.title_zh}”{standard_zh}中的{kind_zh}。"
    return CodeMatch(
        code_list,
        written,
        confidence,
        f"{reason} The header names it." if in_header else reason,
        f"{reason_zh}列名也与之相符。" if in_header else reason_zh,
    )


def _could_be_numbers(column: DistinctTexts, code_list: CodeList) -> bool:
    """0 and 1 alone are more often a flag; numbers that are all narrower than the codes, something else."""
    texts = column.texts.to_pylist()
    widths = {len(code.code) for code in code_list.codes}
    narrow = len(widths) == 1 and max(map(len, texts)) < min(widths)
    return narrow or (set(texts) <= {"0", "1"} and len(code_list.codes) > 2)


def _confidence(
    column: DistinctTexts, code_list: CodeList, written: Written, *, in_header: bool
) -> Confidence | None:
    """None where the values could as well be something else."""
    different = len(column.texts)
    if in_header and written == "codes" and _could_be_numbers(column, code_list):
        return "possible"
    if in_header:
        return "sure" if different > 1 else "likely"
    if written == "codes":
        return None if code_list.codes_need_header or different < MANY_CODES else "likely"
    short = all(text.isascii() and len(text) <= SHORT for text in column.texts.to_pylist())
    if code_list.labels_need_header or short or different < 2:
        return None
    return "sure" if different >= MANY_LABELS else "likely"
