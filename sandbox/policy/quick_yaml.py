"""Reads the YAML that people write most by libyaml, many times as fast as the reader that knows every line.

`quickly_read` answers only where both readers agree beyond doubt, and with `None` otherwise: then the other
reads (`yaml_text.py`), which has the words for what is wrong. Doubtful is whatever YAML 1.1 (libyaml) and 1.2
(ours) may understand differently, an anchor, a tag, a name that stands twice, and every fault.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import yaml

from sandbox.plain_text import is_text

MOST_DIGITS = 18
DEEPEST = 20  # levels, as in yaml_text.py
# what only one of the readers takes for a line break, a space, or the end of a name; directives
DOUBTFUL = re.compile(r"[\x85\u2028\u2029\ufeff\t\r]|[\"'\]}]:\S|^%", re.MULTILINE)
# what can be neither a number, nor a day, nor a truth, nor nothing: those are written in ASCII
WORD = re.compile(r"=?[A-Za-z].*|.*[^\x00-\x7f].*", re.DOTALL)
NO_WORD = re.compile(r"true|false|null", re.IGNORECASE)
NUMBER = re.compile(rf"-?(?:0|[1-9][0-9]{{0,{MOST_DIGITS - 1}}})")
FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}")


class Doubtful(Exception):
    """The other reader has to read it."""


def quickly_read(text: str) -> Any | None:
    """Plain dicts, lists, texts, numbers and truths; None where the other reader is to be asked.

    `text`: in the normal form NFC.
    """
    if DOUBTFUL.search(text):
        return None
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        next(events)  # of the stream
        begun = next(events)
        if not isinstance(begun, yaml.DocumentStartEvent) or begun.explicit:
            return None
        if isinstance(first := next(events), yaml.ScalarEvent):
            return None
        document = _value(first, events, 0)
        next(events)  # of the document
        return document if isinstance(next(events), yaml.StreamEndEvent) else None
    except (Doubtful, yaml.YAMLError):
        return None


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    """What begins with this event."""
    if isinstance(event, yaml.AliasEvent) or event.anchor or event.tag or depth > DEEPEST:
        raise Doubtful
    match event:
        case yaml.MappingStartEvent():
            found: dict[str, Any] = {}
            while not isinstance(name := next(events), yaml.MappingEndEvent):
                key = _value(name, events, depth + 1)
                if not isinstance(key, str) or key in found:
                    raise Doubtful
                found[key] = _value(next(events), events, depth + 1)
            return found
        case yaml.SequenceStartEvent():
            values = []
            while not isinstance(each := next(events), yaml.SequenceEndEvent):
                values.append(_value(each, events, depth + 1))
            return values
        case yaml.ScalarEvent(style=None | "", value=plain):
            return _plain(plain)
        case yaml.ScalarEvent(style="|" | ">", value=written) if not written.strip():
            raise Doubtful  # where a block begins with a comment, or holds nothing
        case yaml.ScalarEvent(value=written):
            return _text(written)
    raise Doubtful


def _plain(written: str) -> Any:
    """A scalar without quotes."""
    if written in ("true", "false"):
        return written == "true"
    if NUMBER.fullmatch(written) and written != "-0":
        return int(written)
    if FRACTION.fullmatch(written):
        return float(written)
    if WORD.fullmatch(written) and not NO_WORD.fullmatch(written):
        return _text(written)
    raise Doubtful


def _text(written: str) -> str:
    """As it is, if nothing about it has to be mended or refused."""
    if not is_text(written) or not unicodedata.is_normalized("NFC", written):
        raise Doubtful
    return written
