"""The encoding of a text file, decided on all of its bytes, and the text as UTF-8.

The order of the tests matters. UTF-8 is strict: text of another encoding is hardly ever valid. GB18030 is
not: nearly any bytes are, so the characters must be ones that people write (GB/T 2312 has 6,763 of them, with
both bytes above 0xA0).
"""

import codecs
import io
import itertools
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from sandbox.errors import InvalidInput
from sandbox.ingest.source import Source, first_bytes, read_up_to

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5hkscs",
    "windows-1252": "cp1252",
    "latin-1": "iso-8859-1",
    "shift-jis": "cp932",
    "windows-1251": "cp1251",
}
"""What a policy can name, and the decoder of it."""
PIECE = 1 << 16
MOST_PIECES = 64
AT_ONCE = 4 * 1024**2
PLAUSIBLE = 0.9
RARE = 0.02
LEAST_ASCII = 0.05
LEAST_HIGH = 0.2
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
NO_TEXT = "\ufdd0"
"""Stands for bytes that are no text in the file's encoding: one of Unicode's noncharacters, which no text has
(Unicode 16, 23.7). U+FFFD would not do: files have it, where a program before us could not read them."""


def _no_text(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError), "nothing else is read with this handler"
    return NO_TEXT, error.end


codecs.register_error("cihu-no-text", _no_text)


@dataclass(frozen=True)
class Encoding:
    """`name` as a policy writes it. `damaged`: some bytes are no text in it, and their cells do not fit.
    `tested`: all bytes were looked at, and are text."""

    name: str
    damaged: bool = False
    tested: bool = False


def encoding_of(source: Source) -> Encoding:
    """The encoding of the file. All bytes are tested for UTF-8; if they are not, what is not ASCII decides:
    all of it in a small file, pieces from everywhere in a large one. Bytes that the reader then finds to be
    no text are counted, cell by cell."""
    head = first_bytes(source, PIECE)
    for mark, name in MARKS:
        if head.startswith(mark):
            if name.startswith("utf-32"):
                raise InvalidInput(
                    "The file is in UTF-32.",
                    remedy="Save it as UTF-8.",
                    zh="文件编码是 UTF-32。",
                    remedy_zh="请另存为 UTF-8。",
                )
            sound = _is(source, name)
            return Encoding(name, damaged=not sound, tested=sound)
    if wide := _wide(head):
        return Encoding(wide, damaged=not _is(source, wide))
    if _is(source, "utf-8"):
        return Encoding("utf-8", tested=True)
    sample = _not_ascii(source)
    wrong, other = _errors(sample, "utf-8")
    chinese, written = _errors(sample, "gb18030")
    big5 = not _errors(sample, "big5")[0] and _like_big5(sample) >= PLAUSIBLE
    if big5 and _usual(sample, BIG5_USUAL) > _usual(sample, GB2312_USUAL) + RARE:
        return Encoding("big5", damaged=not _is(source, "big5"))
    if chinese <= RARE * written and _like_gb2312(sample) >= PLAUSIBLE:
        return Encoding("gb18030", damaged=not _is(source, "gb18030"))
    if wrong <= RARE * other:
        return Encoding("utf-8", damaged=True)
    if big5:
        return Encoding("big5", damaged=not _is(source, "big5"))
    return Encoding("latin-1" if _errors(sample, "windows-1252")[0] else "windows-1252")


def _is(source: Source, name: str) -> bool:
    """Whether all bytes of the file are text in this encoding."""
    decoder = codecs.getincrementaldecoder(ENCODINGS[name])("strict")
    single_bytes = not name.startswith("utf-16")
    try:
        with source.open() as stream:
            while part := read_up_to(stream, AT_ONCE):
                if not (single_bytes and part.isascii() and not decoder.getstate()[0]):
                    decoder.decode(part)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _not_ascii(source: Source) -> bytes:
    """Lines from all over the file that are not ASCII: at most `MOST_PIECES` pieces of `PIECE` bytes."""
    places = []
    with source.open() as stream:
        for place in itertools.count():
            part = read_up_to(stream, PIECE)
            if not part:
                break
            if not part.isascii():
                places.append(place)
        step = -(-len(places) // MOST_PIECES)
        if step <= 1:
            stream.seek(0)
            return read_up_to(stream, source.size)
        lines = []
        for place in places[::step]:
            stream.seek(place * PIECE)
            part = read_up_to(stream, PIECE)
            lines.append(part[part.find(b"\n") + 1 : part.rfind(b"\n") + 1])
    return b"".join(lines)


def _wide(head: bytes) -> str:
    """UTF-16 without a mark: in digits, separators and line ends one byte of two is 0. U+4E00 (一) has a zero
    on the other side."""
    signs = np.frombuffer(head[: len(head) // 2 * 2], np.uint8).reshape(-1, 2)
    if not len(signs):
        return ""
    little, big = (
        float(((signs[:, 1 - side] == 0) & (signs[:, side] >= 9) & (signs[:, side] < 127)).mean())
        for side in (0, 1)
    )
    if max(little, big) < LEAST_ASCII or min(little, big) > max(little, big) / 2:
        return ""
    return "utf-16-le" if little > big else "utf-16-be"


def _errors(sample: bytes, name: str) -> tuple[int, int]:
    """How many places are no text in this encoding, and how many characters are not ASCII."""
    text = sample.decode(ENCODINGS[name], "replace")
    unknown = text.count(UNKNOWN)
    return unknown, len(text) - len(text.encode("ascii", "ignore")) - unknown


Signs = npt.NDArray[np.uint8]


def _pairs(sample: bytes) -> tuple[Signs, Signs]:
    """The first and the second bytes of the double-byte characters."""
    signs = np.frombuffer(sample, np.uint8)
    high = signs >= 0x81
    place = np.arange(len(signs))
    begins = high & ~np.concatenate(([False], high[:-1]))
    # within a run of high bytes characters lie in pairs; a lone last one has a low second byte
    since = place - np.maximum.accumulate(np.where(begins, place, 0))
    firsts = np.flatnonzero(high & (since % 2 == 0))
    firsts = firsts[firsts + 1 < len(signs)]
    return signs[firsts], signs[firsts + 1]


def _like_gb2312(sample: bytes) -> float:
    """The share of double-byte characters that GB/T 2312 has."""
    first, second = _pairs(sample)
    known = ((first >= 0xA1) & (first <= 0xA9)) | ((first >= 0xB0) & (first <= 0xF7))
    return float((known & (second >= 0xA1)).mean()) if len(first) else 0.0


def _like_big5(sample: bytes) -> float:
    """The share of double-byte characters among the usual ones of Big5. Their second bytes are of both kinds;
    where nearly all are ASCII, these are letters with accents before plain ones."""
    first, second = _pairs(sample)
    if len(first) and float((second >= 0xA1).mean()) < LEAST_HIGH:
        return 0.0
    return float(((first >= 0xA1) & (first <= 0xC6)).mean()) if len(first) else 0.0


GB2312_USUAL = ((0xA1, 0xA1), (0xA3, 0xA3), (0xB0, 0xD7))
BIG5_USUAL = ((0xA1, 0xA2), (0xA4, 0xC6))
"""First bytes of signs and of the more frequent characters, in two standards that share their bytes."""


def _usual(sample: bytes, first_bytes: tuple[tuple[int, int], ...]) -> float:
    """The share of double-byte characters that begin with one of these."""
    first, _ = _pairs(sample)
    if not len(first):
        return 0.0
    return float(np.any([(first >= low) & (first <= high) for low, high in first_bytes], axis=0).mean())


class Utf8Stream(io.RawIOBase):
    """A text file's bytes as UTF-8 without a mark, whatever its encoding.
    What is no text becomes `NO_TEXT`, and its cell is counted."""

    def __init__(self, stream: BinaryIO, encoding: str, *, tested: bool = False) -> None:
        self._stream = stream
        self._as_it_is = tested and encoding == "utf-8"
        self._decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])("cihu-no-text")
        self._plain = encoding == "utf-8"
        self._waiting, self._begun, self._ended = b"", False, False

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(target).cast("B")  # type: ignore[arg-type]
        while not self._waiting and not self._ended:
            self._waiting = self._next()
        given = self._waiting[: len(view)]
        view[: len(given)] = given
        self._waiting = self._waiting[len(given) :]
        return len(given)

    def _next(self) -> bytes:
        part = read_up_to(self._stream, AT_ONCE)
        self._ended = not part
        if self._as_it_is:
            if not self._begun and part:
                self._begun, part = True, part.removeprefix(codecs.BOM_UTF8)
            # a file that is nothing but the mark is at its end then
            return part
        if self._plain and part.isascii() and not self._decoder.getstate()[0]:
            self._begun = True
            return part
        text = self._decoder.decode(part, final=self._ended)
        if not self._begun and text:
            self._begun, text = True, text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        return text.encode("utf-8", "replace")

    def close(self) -> None:
        self._stream.close()
        super().close()


def opened_text(source: Source, encoding: str, *, tested: bool = False) -> BinaryIO:
    """The text as UTF-8. `tested`: it was looked at before (`Encoding.tested`), and need not be again."""
    return io.BufferedReader(Utf8Stream(source.open(), encoding, tested=tested), AT_ONCE)
