"""UPPER, LOWER, TRIM, SUBSTRING, LENGTH, ||, REPLACE, STRPOS and LIKE: of texts in UTF-8, whatever characters
they hold.

Rows are loaded with valid texts of at most a public length (columns.py), so none of these can meet a broken
character.
"""

from itertools import accumulate

from sandbox.catalog.model import Type
from sandbox.queries.functions.construct import (
    BYTES_OF_A_CHARACTER,
    TEXT,
    WRITABLE,
    Construct,
    Result,
    SqlWriter,
    Widths,
    fixed,
)
from sandbox.queries.functions.literals import LARGEST, literal, whole_number
from sandbox.queries.tree import (
    Concat,
    Expression,
    Length,
    Like,
    Replace,
    Slice,
    Spelling,
    StringPosition,
    TextCase,
)

MOST_GROWTH = {Spelling.UPPER: (3, 2), Spelling.LOWER: (3, 2)}
"""Letters whose other case has three bytes for two (U+0250, U+023A); the engine changes each character by
itself, so that no letter becomes two ('ß' stays). Tried for every character there is.
"""


def spelled_sql(node: TextCase, sql: SqlWriter) -> str:
    return f"{node.spelling.value}({sql.value(node.of)})"


def slice_sql(node: Slice, sql: SqlWriter) -> str:
    if node.start < 0:
        return f"right({sql.value(node.of)}, {node.length})"
    return f"substring({sql.value(node.of)}, {node.start}, {node.length})"


def length_sql(node: Length, sql: SqlWriter) -> str:
    return f"CAST(length({sql.value(node.of)}) AS DOUBLE)"


def concat_sql(node: Concat, sql: SqlWriter) -> str:
    return f"({' || '.join(written_sql(part, sql) for part in node.parts)})"


def written_sql(part: Expression, sql: SqlWriter) -> str:
    """A part of a text: what is not one is written out, as `ranges` says that it can be."""
    if (column := sql.integer_column(part)) is not None:
        return f"CAST({column} AS VARCHAR)"
    kind = sql.type_of(part)
    # a row that does not pass the filter may lie outside of the limits that the filter sets
    if kind is Type.INTEGER:
        number, most = sql.value(part), int(LARGEST)
        return (
            f"CASE WHEN {number} IS NOT NULL THEN "
            f"CAST({whole_number(number, f'-{most}', str(most))} AS VARCHAR) END"
        )
    return sql.value(part) if kind is Type.TEXT else f"CAST({sql.raw(part)} AS VARCHAR)"


def replace_sql(node: Replace, sql: SqlWriter) -> str:
    return f"replace({sql.value(node.of)}, {literal(node.old)}, {literal(node.new)})"


def place_sql(node: StringPosition, sql: SqlWriter) -> str:
    return f"CAST(strpos({sql.value(node.of)}, {literal(node.part)}) AS DOUBLE)"


def like_sql(node: Like, sql: SqlWriter) -> str:
    return f"({sql.raw(node.of)} LIKE {literal(node.pattern.value)})"


# --- widths


def bytes_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def spelled_width(node: TextCase, widths: Widths) -> int:
    times, of = MOST_GROWTH.get(node.spelling, (1, 1))
    return widths.width(node.of) * times // of


def slice_width(node: Slice, widths: Widths) -> int:
    return min(widths.width(node.of), BYTES_OF_A_CHARACTER * node.length)


def replace_width(node: Replace, widths: Widths) -> int:
    """As many times as the old text fits, the new one; an empty old text is nowhere."""
    width, old, new = widths.width(node.of), bytes_of(node.old), bytes_of(node.new)
    return width + max(0, new - old) * (width // old) if old else width


def concat_width(node: Concat, widths: Widths) -> int:
    return sum(map(widths.written, node.parts))


# --- steps


def read_once(node: TextCase | Slice | Length, widths: Widths) -> int:
    return widths.width(node.of)


def concat_steps(node: Concat, widths: Widths) -> int:
    """Put together from the left, so each part is copied with all before it."""
    return sum(accumulate(map(widths.written, node.parts)))


def searched(width: int, pattern: str) -> int:
    """At every byte of a text the whole pattern may have to be compared."""
    return width * max(1, bytes_of(pattern))


def like_steps(node: Like, widths: Widths) -> int:
    """The pieces between % are looked for one after the other, each from where the one before it ended.

    The parser refuses _, with which the engine's matcher backtracks.
    """
    return searched(widths.width(node.of), str(node.pattern.value))


VALID = "Total on every valid text, and rows hold no others."

CONSTRUCTS = (
    *(
        Construct(
            spelling.value.upper(),
            TextCase,
            (TEXT,),
            Type.TEXT,
            VALID,
            spelled_width,
            lambda node, widths: read_once(node, widths) + spelled_width(node, widths),
            spelled_sql,
            spelling,
        )
        for spelling in Spelling
    ),
    Construct(
        "SUBSTRING, LEFT, RIGHT",
        Slice,
        (TEXT,),
        Type.TEXT,
        "Empty text where it begins after the end.",
        slice_width,
        read_once,
        slice_sql,
    ),
    Construct("LENGTH", Length, (TEXT,), Result.NUMERIC, VALID, fixed, read_once, length_sql),
    Construct(
        "||",
        Concat,
        (WRITABLE,),
        Type.TEXT,
        "A number is clamped to ±2**53 before it is written out; a date as the engine "
        "writes it, infinities too.",
        concat_width,
        concat_steps,
        concat_sql,
        repeated=True,
        said=2,
    ),
    Construct(
        "REPLACE",
        Replace,
        (TEXT,),
        Type.TEXT,
        VALID,
        replace_width,
        lambda node, widths: searched(widths.width(node.of), node.old) + replace_width(node, widths),
        replace_sql,
    ),
    Construct(
        "STRPOS",
        StringPosition,
        (TEXT,),
        Result.NUMERIC,
        VALID,
        fixed,
        lambda node, widths: searched(widths.width(node.of), node.part),
        place_sql,
    ),
    Construct("LIKE", Like, (TEXT,), Type.BOOLEAN, VALID, fixed, like_steps, like_sql),
)
