"""Reads what a picture holds besides its pixels, and draws it anew.

A picture says more than a machine can check, so reviewers are always asked. A machine can do this much: only
pixels are released, flattened on white, without their two lowest bits (where writing is invisible), and a
picture that does not compress like a drawing is refused.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PIL import Image, ImageOps

from sandbox.disclosure.finding import Finding, Unfit, asks, blocks, notes

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 16_000_000
KEPT_BITS = 6
NOISE_BITS = 8.0
"""Compressed bits per pixel of a re-rendered picture.
Charts have under 1; data written as pixels has up to 18."""
LEAST_SIDE = 64
TILE, BUSY, NOISY_TILES = 32, 0.4, 3
"""Of a tile's neighbouring pixels so many differ, both across and down, and it does not compress.
Small letters and hatches can do so too: a few such tiles are asked about, a picture
made of them is refused."""
TILE_BITS = 0.6
DRAWING = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD"}
)
HARMLESS_TEXT = (b"Software\x00", b"Creation Time\x00")
REDRAW = (
    "Save it without metadata: `savefig(..., metadata={})`.",
    "请去除元数据后保存：`savefig(..., metadata={})`。",
)


def check_png(content: bytes) -> tuple[Finding, ...]:
    """Raises `Unfit` for what cannot be drawn."""
    found = [*_chunks(content)]
    drawn = render_png(content)
    picture = Image.open(io.BytesIO(drawn))
    pixels = picture.width * picture.height
    if min(picture.size) < LEAST_SIDE:
        found.append(
            blocks(
                "picture_small",
                "hidden_content",
                f"The picture has {picture.width} x {picture.height} pixels: nobody can "
                "read it, but a program can.",
                f"Draw it with {LEAST_SIDE} pixels or more on each side.",
                f"图片仅 {picture.width} x {picture.height} 像素：人无法阅读，程序却可以。",
                f"请使每边不少于 {LEAST_SIDE} 像素。",
            )
        )
    elif len(drawn) * 8 / pixels > NOISE_BITS or (noisy := _noisy_tiles(picture)) * 2 > (
        (picture.width // TILE) * (picture.height // TILE)
    ):
        found.append(
            blocks(
                "picture_of_data",
                "hidden_content",
                "The picture does not compress like a drawing: it can be data written as pixels.",
                "Draw a chart with fewer points and plain colours.",
                "该图片不像绘图那样可压缩，可能是写成像素的数据。",
                "请减少数据点并使用纯色绘图。",
            )
        )
    elif noisy >= NOISY_TILES:
        found.append(
            asks(
                "picture_of_data",
                "hidden_content",
                "Parts of the picture are as dense as data written as pixels.",
                "Look in full size: letters and hatches are harmless, specks in a block are not. "
                "Tables leave better as CSV.",
                "图片局部像写成像素的数据一样密集。",
                "请以原尺寸查看：文字和填充线无妨，成块的噪点则不行。表格请存为 CSV。",
            )
        )
    found.append(
        asks(
            "picture_seen",
            "single_unit",
            "No machine sees what a picture shows.",
            "Look: is a point, a bar, an outlier or a label one unit? Give the table behind "
            "it as supporting counts.",
            "机器无法判断图片内容。",
            "请查看：点、柱、离群值或标注是否对应单个个体？并提供图背后的支撑计数。",
        )
    )
    return tuple(found)


def _noisy_tiles(picture: Image.Image) -> int:
    """How many tiles look like data written pixel by pixel."""
    grey = np.asarray(picture.convert("L"))
    found = 0
    for top in range(0, grey.shape[0] - TILE + 1, TILE):
        for left in range(0, grey.shape[1] - TILE + 1, TILE):
            tile = grey[top : top + TILE, left : left + TILE]
            across, down = (tile[:, 1:] != tile[:, :-1]).mean(), (tile[1:] != tile[:-1]).mean()
            if (
                across > BUSY
                and down > BUSY
                and len(zlib.compress(tile.tobytes(), 9)) * 8 / tile.size > TILE_BITS
            ):
                found += 1
    return found


@lru_cache(maxsize=1)  # it is looked at, and then it is what leaves
def render_png(content: bytes) -> bytes:
    """The pixels alone, flattened on white, without their lowest bits. Raises `Unfit`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture = Image.open(io.BytesIO(content), formats=["PNG"])
            if picture.width * picture.height > MOST_PIXELS:
                raise Unfit(_too_large())
            if getattr(picture, "n_frames", 1) > 1:
                raise Unfit(
                    blocks(
                        "animation",
                        "hidden_content",
                        "The picture has several frames.",
                        "Save one picture a file.",
                        "图片含有多帧。",
                        "每个文件只存一幅图。",
                    )
                )
            layer = picture.convert("RGBA")
    except Unfit:
        raise
    except Exception as error:  # Pillow raises a dozen kinds on damaged files, and its own warnings for bombs
        raise Unfit(
            blocks(
                "unreadable",
                "hidden_content",
                "The picture cannot be read.",
                "Save it again as PNG.",
                "无法读取图片。",
                "请重新存为 PNG。",
            )
        ) from error
    white = Image.new("RGBA", layer.size, "white")
    flat = ImageOps.posterize(Image.alpha_composite(white, layer).convert("RGB"), KEPT_BITS)
    # the highest kept value stands for white again
    flat = flat.point(
        [min(255, round(value * 255 / (256 - 2 ** (8 - KEPT_BITS)))) for value in range(256)] * 3
    )
    sink = io.BytesIO()
    flat.save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _too_large() -> Finding:
    return blocks(
        "too_large",
        "hidden_content",
        "The picture has more than 16 million pixels.",
        "Save it smaller.",
        "图片超过一千六百万像素。",
        "请缩小图片。",
    )


def _chunks(content: bytes) -> Iterator[Finding]:
    place, removed = len(SIGNATURE), False
    while place + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[place : place + 8])
        said = content[place + 8 : place + 8 + length]
        place += 12 + length
        if name == b"IEND":
            break
        if name == b"tIME" or (
            name in (b"tEXt", b"iTXt") and said.startswith(HARMLESS_TEXT) and length < 200
        ):
            removed = True
        elif name not in DRAWING:
            yield blocks(
                "picture_metadata",
                "hidden_content",
                f"The picture carries metadata ({name.decode('latin-1')}).",
                REDRAW[0],
                f"图片带有元数据（{name.decode('latin-1')}）。",
                REDRAW[1],
            )
    if place < len(content):
        yield blocks(
            "trailing_bytes",
            "hidden_content",
            f"{len(content) - place} bytes stand after the picture's end.",
            "Save the picture again.",
            f"图片结尾之后还有 {len(content) - place} 字节。",
            "请重新保存图片。",
        )
    if removed:
        yield notes(
            "metadata_removed",
            "hidden_content",
            "The picture's metadata is removed before release.",
            "Nothing to do.",
            "发布前会去除图片元数据。",
            "无需处理。",
        )
