"""JSON becomes batches of text: one object a line (JSON Lines), one array of objects, or an answer of a
portal's interface, which holds one such array. Of GeoJSON the rows are the features.

Numbers are kept as they are written, so nothing is lost before a column's type is known. A key that an object
does not have is an empty cell.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from sandbox.errors import InvalidInput
from sandbox.ingest.file_format import FileFormat
from sandbox.ingest.header import Header, clean, different_names
from sandbox.ingest.limits import Limits
from sandbox.ingest.model import FieldRules
from sandbox.ingest.source import Source, read_up_to
from sandbox.ingest.text_encoding import ENCODINGS, Encoding, encoding_of, opened_text

ROWS_AT_ONCE = 16 * 1024
HOLDERS = frozenset(
    [
        *("result", "results", "data", "records", "rows", "items", "features"),
        *("list", "value", "values", "response", "content", "body"),
    ]
)
"""Under which names answers of portals hold their rows."""
ENVELOPE = frozenset(
    [
        *("code", "status", "success", "ok", "error", "errors", "message", "msg", "reason"),
        *("version", "total", "totalcount", "total_count", "count", "size", "limit", "offset", "type"),
        *("crs", "time", "timestamp", "fields", "columns", "header", "headers", "schema", "links"),
        *("_links", "meta", "metadata", "help", "resource_id", "summary", "page", "pages", "pageno"),
        *("page_no", "pagenum", "pageindex", "pagesize", "page_size", "hasmore"),
    ]
)
"""What stands beside the rows in such an answer. An object of one line with other names is a row."""
OF_GEOJSON = frozenset(["type", "properties", "geometry", "bbox"])
"""Members of a feature that are no column: its box tells what its geometry tells."""
COORDINATES = ("longitude", "latitude", "altitude")
LONGEST_LINE = 64 * 1024**2
LARGEST_ARRAY = 256 * 1024**2
"""Bytes of an array of objects, which is held in memory as a whole."""


class JsonFile:
    """A JSON file that can be read. Raises `InvalidInput`, which names the line and no value."""

    def __init__(self, source: Source, limits: Limits, given: FileFormat) -> None:
        self._source, self._notes = source, given.notes or 0
        self.encoding = Encoding(given.encoding) if given.encoding else encoding_of(source)
        self._whole = self._is_whole()
        labels: dict[str, None] = {}
        nested: dict[str, None] = {}
        self.rows_at_most = 0
        for line, row in self._objects():
            self.rows_at_most += 1
            for key, value in row.items():
                labels[key] = None
                if isinstance(value, dict | list):
                    nested[key] = None
            if len(labels) > limits.columns:
                raise InvalidInput(
                    f"The file has more than {limits.columns} columns (line {line}).",
                    zh=f"文件超过 {limits.columns} 列（第 {line} 行）。",
                    remedy="Leave out what nobody needs.",
                    remedy_zh="请去掉无人需要的列。",
                )
        self.keys = tuple(labels)
        names = different_names([clean(key) for key in labels])
        self.nested = frozenset(name for name, key in zip(names, labels, strict=True) if key in nested)
        self.header = Header(0, 0, names, guessed=False)

    @property
    def names(self) -> tuple[str, ...]:
        return self.header.labels

    def batches(self, fields: Mapping[str, FieldRules]) -> Iterator[pa.RecordBatch]:
        """The columns of these labels, as text."""
        if nested := [label for label in fields if label in self.nested]:
            raise InvalidInput(
                f"These columns hold objects or lists: {', '.join(nested)}.",
                remedy="Write each of their parts as a column of its own, or drop them (`dropped_columns`).",
                zh=f"这些列含有对象或列表：{'、'.join(nested)}。",
                remedy_zh="请把各部分写成单独的列，或在 dropped_columns 中去掉它们。",
            )
        keys = [self.keys[self.names.index(label)] for label in fields]
        waiting = deque[list[str | None]]()
        for _, row in self._objects():
            waiting.append([_text(row.get(key)) for key in keys])
            if len(waiting) == ROWS_AT_ONCE:
                yield _batch(waiting, fields)
                waiting.clear()
        if waiting:
            yield _batch(waiting, fields)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self.encoding.name not in ENCODINGS:
            raise _unreadable(0)
        if self._whole:
            yield from self._array()
            return
        with opened_text(self._source, self.encoding.name) as stream:
            for line in _lines(stream):
                number, text = line
                if text.strip():
                    yield number, _object(text, number)

    def _is_whole(self) -> bool:
        """Whether the file is one value: an array, or an object over several lines or with rows in it."""
        if self.encoding.name not in ENCODINGS:
            raise _unreadable(0)
        with opened_text(self._source, self.encoding.name) as stream:
            if read_up_to(stream, 4096).lstrip().startswith(b"["):
                return True
        with opened_text(self._source, self.encoding.name) as stream:
            lines = (text for _, text in _lines(stream) if text.strip())
            first, more = next(lines, b""), next(lines, None)
        try:
            only = _parsed(first, 1)
        except InvalidInput:
            return more is not None  # where it ends in another line, or is none
        return (
            more is None and isinstance(only, dict) and _is_envelope(only) and _rows_within(only) is not None
        )

    def _array(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if self._source.size > LARGEST_ARRAY:
            raise InvalidInput(
                f"The file is one JSON array of more than {LARGEST_ARRAY // 1024**2} MiB.",
                remedy="Write one object a line (JSON Lines).",
                zh=f"文件是超过 {LARGEST_ARRAY // 1024**2} MiB 的单个 JSON 数组。",
                remedy_zh="请改为每行一个对象（JSON Lines）。",
            )
        with opened_text(self._source, self.encoding.name) as stream:
            body = stream.read()
        rows = _parsed(body, 1)
        if isinstance(rows, dict):
            rows = _rows_within(rows)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _unreadable(1)
        yield from enumerate(rows, start=1)


def _rows_within(answer: dict[str, Any], depth: int = 3) -> list[dict[str, Any]] | None:
    """The array of objects in an answer, under a name that such answers have; None where there is none, or
    several."""
    found = []
    for name, value in answer.items():
        if name.lower() not in HOLDERS:
            continue
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            found.append(value)
        elif isinstance(value, dict) and depth and (within := _rows_within(value, depth - 1)) is not None:
            found.append(within)
    if len(found) != 1:
        return None
    features = all(
        row.get("type") == "Feature" and isinstance(row.get("properties", 0), dict | None) for row in found[0]
    )
    return _of_features(found[0]) if features else found[0]


def _is_envelope(answer: dict[str, Any], depth: int = 3) -> bool:
    """Whether an object has nothing of its own beside what holds the rows. GeoJSON says what it is."""
    if answer.get("type") == "FeatureCollection":
        return True
    names = {name.lower() for name in answer}
    within = [value for name, value in answer.items() if name.lower() in HOLDERS and isinstance(value, dict)]
    return names - HOLDERS <= ENVELOPE and all(depth and _is_envelope(each, depth - 1) for each in within)


def _of_features(features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of GeoJSON's features (RFC 7946): their properties, and what stands beside these: an `id` or
    another member, and the geometry, of points as `longitude`, `latitude` and, where it is told, `altitude`.
    A name that properties have already is taken with `feature_` before it: nothing takes another's place."""
    taken = {name for feature in features for name in feature["properties"] or {}}
    beside = [_beside_properties(feature) for feature in features]
    names: dict[str, str] = {}
    for name in dict.fromkeys(name for each in beside for name in each):
        free = name
        while free in taken:
            free = f"feature_{free}"
        names[name] = free
        taken.add(free)
    return [
        (feature["properties"] or {}) | {names[name]: value for name, value in each.items()}
        for feature, each in zip(features, beside, strict=True)
    ]


def _beside_properties(feature: dict[str, Any]) -> dict[str, Any]:
    more = {name: value for name, value in feature.items() if name not in OF_GEOJSON}
    geometry = feature.get("geometry")
    if geometry is None:  # as the standard writes a thing without a place
        return more
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        place = geometry.get("coordinates")
        if isinstance(place, list) and 2 <= len(place) <= len(COORDINATES):
            return more | dict(zip(COORDINATES, place, strict=False))
    return more | {"geometry": geometry}  # also what is no GeoJSON: what is written stays


def _lines(stream: Any) -> Iterator[tuple[int, bytes]]:
    number = 0
    while text := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(text) > LONGEST_LINE:
            raise _unreadable(number)
        yield number, text


def _parsed(text: bytes, line: int) -> object:
    try:
        return json.loads(
            text.decode("utf-8", "replace"),
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=_object_of,
        )
    except (ValueError, RecursionError) as error:
        raise _unreadable(line + getattr(error, "lineno", 1) - 1) from None


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises `ValueError` where a key stands twice: one of its values would be lost."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _object(text: bytes, line: int) -> dict[str, Any]:
    row = _parsed(text, line)
    if not isinstance(row, dict):
        raise _unreadable(line)
    return row


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) or None if value is not None else None


def _batch(rows: deque[list[str | None]], fields: Mapping[str, FieldRules]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays(
        [pa.array([_unicode(cell) for cell in column], pa.string()) for column in columns], names=list(fields)
    )


def _unicode(text: str | None) -> str | None:
    """A lone surrogate, which JSON can spell, is no text."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()


def _unreadable(line: int) -> InvalidInput:
    return InvalidInput(
        f"The file is not readable JSON (line {line}).",
        remedy="Write one JSON object a line, or one array of objects.",
        zh=f"文件不是可读的 JSON（第 {line} 行）。",
        remedy_zh="请每行写一个 JSON 对象，或写成一个对象数组。",
    )
