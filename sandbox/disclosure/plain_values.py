"""Writes frozen dataclasses as plain JSON values and reads them back, each value checked for its type.

What is read was written by a process that hostile bytes may have taken over: it can say what it likes, but
only in texts, numbers and truths, where they belong.
"""

import base64
import binascii
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID


def plain(value: Any) -> Any:
    """What `json.dumps` takes."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [each if type(each) is str else plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def read_plain(kind: Any, node: Any) -> Any:
    """A value of `kind` of what `plain` made. Raises `ValueError`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:  # X | None
        return None if node is None else read_plain(inner[0], node)
    if origin is tuple:
        return _tuple(inner, node)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        if not isinstance(node, dict) or set(node) != set(hints):
            raise ValueError("not the fields")
        return kind(**{name: read_plain(hint, node[name]) for name, hint in hints.items()})
    if kind is bytes:
        return _bytes(node)
    if kind in (UUID, datetime) and isinstance(node, str):
        return UUID(node) if kind is UUID else datetime.fromisoformat(node)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(node)
    if kind is float and type(node) is int:
        return float(node)
    if type(node) is not kind:
        raise ValueError("not the type")
    return node


def _tuple(inner: tuple[Any, ...], node: Any) -> tuple[Any, ...]:
    if not isinstance(node, list):
        raise ValueError("not a list")  # noqa: TRY004  # one kind of error for the caller
    if len(inner) == 2 and inner[1] is Ellipsis:
        return tuple([read_plain(inner[0], each) for each in node])
    if len(inner) != len(node):
        raise ValueError("not the length")
    return tuple([read_plain(kind, each) for kind, each in zip(inner, node, strict=True)])


def _bytes(node: Any) -> bytes:
    try:
        return base64.b64decode(node, validate=True)
    except (binascii.Error, TypeError) as wrong:
        raise ValueError("not base64") from wrong


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
