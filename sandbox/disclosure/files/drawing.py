"""Reads an SVG and draws it as PNG.

Only what is drawn is released. It is drawn by resvg, which runs no script and loads nothing here.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET  # entities are refused before it reads

import resvg_py

from sandbox.disclosure.files.opened import Piece
from sandbox.disclosure.files.picture import MOST_PIXELS
from sandbox.disclosure.finding import Finding, Unfit, blocks

ENTITIES = re.compile(r"<!(ENTITY|ELEMENT|ATTLIST)|<!DOCTYPE[^>]*\[", re.IGNORECASE)
FORBIDDEN = frozenset(
    {"script", "foreignObject", "image", "feImage", "iframe", "animate", "set", "handler", "a"}
)
LONGEST_SIDE = 4000
CHINESE_FONT = Path(__file__).with_name("fonts") / "NotoSansSC-Regular.ttf"
"""The kernels' matplotlib has it too (scripts/install_kernel_font.sh). It has the characters of GB 2312."""
PLACED = frozenset({"x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height", "r"})
NUMBERS = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
TRANSLATED = re.compile(r"translate\(\s*([^\s,()]+)[\s,]+([^\s,()]+)")


def read_svg(text: str) -> tuple[tuple[Piece, ...], tuple[Finding, ...]]:
    """Its texts, for the checks of texts. Raises `Unfit`."""
    if ENTITIES.search(text):
        raise Unfit(_active("entities"))
    try:
        tree = ET.fromstring(text)  # noqa: S314 (no entities, and at most 16 MB)
    except ET.ParseError as error:
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The SVG cannot be read.",
                "Save the picture as PNG.",
                "无法读取 SVG。",
                "请把图片存为 PNG。",
            )
        ) from error
    found = []
    pieces = []
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2]
        if name in FORBIDDEN:
            found.append(_active(f"<{name}>"))
        for attribute, value in element.attrib.items():
            bare = attribute.rpartition("}")[2].lower()
            if (
                bare.startswith("on")
                or (bare == "href" and not value.startswith("#"))
                or "url(" in value.replace("url(#", "")
            ):
                found.append(_active(bare))
        pieces += [
            Piece(f"<{name}>", said.strip())
            for said in (element.text, element.tail)
            if said and said.strip() and name != "style"
        ]
    return tuple(pieces), tuple(dict.fromkeys(found))


def coordinates_of(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Where points, bars and lines stand, by element and direction: a chart of single units is a copy of
    their values in another scale. Raises `ParseError` for what `read_svg` refuses."""
    found: dict[str, list[str]] = defaultdict(list)
    for element in ET.fromstring(text).iter():  # noqa: S314 (read before)
        name = str(element.tag).rpartition("}")[2]
        for attribute, value in element.attrib.items():
            for direction, number in _places(attribute, value):
                found[f"{name} {direction}"].append(number)
    return tuple((where, tuple(numbers)) for where, numbers in found.items())


def _places(attribute: str, value: str) -> Iterator[tuple[str, str]]:
    if attribute in PLACED:
        yield attribute, value
    elif attribute in ("d", "points"):
        for place, number in enumerate(NUMBERS.findall(value)):
            yield "xy"[place % 2], number
    elif attribute == "transform" and (moved := TRANSLATED.search(value)):
        yield "x", moved.group(1)
        yield "y", moved.group(2)


def render_svg(text: str) -> bytes:
    """The drawing as PNG. Raises `Unfit`."""
    _check_size(text)
    try:
        drawn = bytes(
            resvg_py.svg_to_bytes(svg_string=text, background="white", font_files=[str(CHINESE_FONT)])
        )
    except Exception as error:  # resvg's binding raises plain ValueErrors and its own panics
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The SVG cannot be drawn.",
                "Save the picture as PNG.",
                "无法绘制 SVG。",
                "请把图片存为 PNG。",
            )
        ) from error
    return drawn


def _check_size(text: str) -> None:
    """Raises `Unfit` for a drawing that says it is huge."""
    sides = [float(side) for side in re.findall(r'<svg[^>]*?\s(?:width|height)="([\d.]+)', text[:4096])]
    sides += [
        float(side)
        for box in re.findall(r'viewBox="([^"]*)"', text[:4096])
        for side in re.findall(r"[\d.]+", box)[2:]
    ]
    if sides and max(sides) ** 2 > MOST_PIXELS:
        raise Unfit(
            blocks(
                "too_large",
                "hidden_content",
                f"The drawing is wider or higher than {LONGEST_SIDE} pixels.",
                "Save it smaller.",
                f"绘图的宽或高超过 {LONGEST_SIDE} 像素。",
                "请缩小图片。",
            )
        )


def _active(what: str) -> Finding:
    return blocks(
        "svg_active",
        "hidden_content",
        f"The SVG holds more than a drawing: {what}.",
        "Save the picture as PNG.",
        f"SVG 中含有绘图以外的内容：{what}。",
        "请把图片存为 PNG。",
    )
