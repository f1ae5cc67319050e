"""Lists the words that the editor of questions offers: datasets, columns, public values, functions, keywords.

Names and values come from what the person may see of the catalogue, and functions from the registry of the
language: what it does not know is not offered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from sandbox.queries.functions.registry import CONSTRUCTS

KEYWORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "AS", "AND", "OR", "NOT", "IN"),
    *("BETWEEN", "LIKE", "IS", "NULL", "CASE", "WHEN", "THEN", "ELSE", "END", "DISTINCT", "JOIN", "ON"),
    *("LEFT JOIN", "USING", "WITH", "OVER", "ASC", "DESC", "TRUE", "FALSE"),
)
RESERVED = frozenset(word for keyword in KEYWORDS for word in keyword.split())
AGGREGATES = (
    *("COUNT", "SUM", "AVG", "MEDIAN", "MIN", "MAX", "QUANTILE_CONT", "QUANTILE_DISC", "VARIANCE", "VAR_POP"),
    *("STDDEV", "STDDEV_POP", "COVAR_SAMP", "COVAR_POP", "CORR", "REGR_SLOPE", "REGR_INTERCEPT"),
)
MOST_VALUES = 200
"""Of a column: who looks for one of more knows its name."""
MOST_DATASETS = 500
PLAIN_NAME = re.compile(r"[^\W\d]\w*")
UNUSABLE = "hidden"


class CompletionWord(TypedDict):
    """`write`: as it stands in SQL, with its quotes. `kind` and `about` are for people."""

    write: str
    kind: str
    about: str


def functions() -> list[str]:
    """Of the registry, and the aggregates; those that are keywords, too, are left out."""
    named = [word for construct in CONSTRUCTS for word in re.findall(r"\b[A-Z][A-Z_]+\b", construct.name)]
    return sorted({*AGGREGATES, *named} - RESERVED - {"COUNT_DISTINCT"})


def written_name(name: str) -> str:
    """A name as SQL takes it: in quotes where it has other characters than letters and digits, or is a word
    of the language."""
    word = name.upper()
    plain = PLAIN_NAME.fullmatch(name) and word not in RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def written_value(value: Any) -> str | None:
    """A value as SQL takes it; None for one that nobody writes."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
    return None


def completion_words(
    datasets: Sequence[Mapping[str, Any]],
    columns: Mapping[str, Sequence[Mapping[str, Any]] | None],
    *,
    language: str,
    kinds: Mapping[str, str],
) -> list[CompletionWord]:
    """`datasets`: those that the person may see. `columns`: of those that their teams may ask.
    `kinds`: the word for each kind, for the reader."""
    words = [
        *_words_of_columns(columns, language, kinds),
        *(
            CompletionWord(write=each["name"], kind=kinds["dataset"], about=_title(each, language))
            for each in datasets[:MOST_DATASETS]
        ),
        *(CompletionWord(write=each, kind=kinds["function"], about="") for each in functions()),
        *(CompletionWord(write=each, kind=kinds["keyword"], about="") for each in KEYWORDS),
    ]
    first: dict[str, CompletionWord] = {}
    for each in words:
        first.setdefault(each["write"], each)
    return list(first.values())


def _words_of_columns(
    columns: Mapping[str, Sequence[Mapping[str, Any]] | None], language: str, kinds: Mapping[str, str]
) -> Iterator[CompletionWord]:
    for listed in columns.values():
        for column in listed or ():
            if column.get("role") == UNUSABLE:
                continue
            name, title = str(column["name"]), _title(column, language)
            yield CompletionWord(write=written_name(name), kind=kinds["column"], about=title)
            for value in list(column.get("values") or ())[:MOST_VALUES]:
                if (written := written_value(value)) is not None:
                    yield CompletionWord(write=written, kind=kinds["value"], about=title or name)


def _title(named: Mapping[str, Any], language: str) -> str:
    title = named.get("title")
    if isinstance(title, Mapping):
        return str(title.get(language) or "")
    return str(named.get(f"title_{language}") or title or "")
