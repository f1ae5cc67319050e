"""Chinese in a chart is drawn in a sealed run, without a warning and without a setting; and in an SVG that
leaves."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sandbox.disclosure.files.drawing import CHINESE_FONT, render_svg
from sandbox.jobs.cancellation import Cancellation
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import run_seal
from sandbox.jobs.sealed_run import Ending, SealedRun
from sandbox.seals import Bubblewrap, interpreter
from workspace import CHECKOUT, KERNEL_PYTHON

MIB = 1024 * 1024
PROGRAM = """
import warnings
warnings.simplefilter("error")
import matplotlib, matplotlib.font_manager
import matplotlib.pyplot as plt

def drawn(path, title, **text):
    figure, axes = plt.subplots()
    axes.set_title(title, **text)
    axes.set_xlabel("城区")
    axes.bar(["磁湖", "黄石"], [1, -2])
    figure.savefig(path)

drawn("/outbox/chinese.png", "各城区的就诊次数")
drawn("/outbox/other.png", "各城区的急诊次数")
drawn("/outbox/bold.png", "各城区的就诊次数", fontweight="bold")
print("found in", matplotlib.font_manager.findfont("Noto Sans SC"))
try:
    drawn("/outbox/tofu.png", "各城区的就诊次数", family="DejaVu Sans")
except UserWarning as missing:
    print("refused:", missing)
warnings.simplefilter("ignore")
drawn("/outbox/tofu.png", "各城区的就诊次数", family="DejaVu Sans")
drawn("/outbox/other_tofu.png", "各城区的急诊次数", family="DejaVu Sans")
"""


@pytest.fixture
def ended(place: RunFolder) -> Ending:
    place.write_program({"main.py": PROGRAM})
    seal = run_seal(
        run="chinese",
        entry="main.py",
        python=KERNEL_PYTHON,
        interpreter=interpreter(KERNEL_PYTHON),
        folder=place,
        memory_bytes=512 * MIB,
        limit_seconds=60,
    )
    return SealedRun(Bubblewrap(), seal, place).run(60, Cancellation())


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("L"))


def test_chinese_is_drawn_without_a_warning_in_a_sealed_run(ended: Ending) -> None:
    said = ended.said.decode()
    assert ended.status == 0, said
    assert "mpl-data/fonts/ttf/NotoSansSC-Regular.ttf" in said, "its own, whatever fonts the machine has"
    assert "refused: Glyph" in said, "a font without Chinese warns"
    made = {path: pixels(content) for path, content in ended.outbox.files.items()}
    assert (made["chinese.png"] != made["other.png"]).any(), "two titles are two pictures"
    assert (made["tofu.png"] == made["other_tofu.png"]).all(), "as boxes they are one"
    assert (made["chinese.png"] != made["tofu.png"]).any() and len(made) == 5


def svg(text: str, family: str = "DejaVu Sans") -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><text x="10" y="40" '
        f'font-family="{family}" font-size="24">{text}</text></svg>'
    )


def test_chinese_in_an_svg_is_drawn_with_the_shipped_font() -> None:
    lake, city = pixels(render_svg(svg("磁湖"))), pixels(render_svg(svg("黄石")))
    assert (lake < 128).sum() > 100 and (lake != city).any()
    assert (pixels(render_svg(svg("磁湖", "Noto Sans SC"))) < 128).sum() > 100


def test_the_fonts_licence_stands_beside_it() -> None:
    assert "SIL Open Font License, Version 1.1" in CHINESE_FONT.with_name("OFL.txt").read_text()
    notice = (CHECKOUT / "NOTICE").read_text()
    assert "Noto Sans SC" in notice and Path("sandbox/disclosure/files/fonts").as_posix() in notice
