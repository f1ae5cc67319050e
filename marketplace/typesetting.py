"""Sets a paper (an invoice, a certificate) by typst, with the repository's part of Noto Sans SC.

The same data give the same bytes: no clock and no system font comes in. What people typed goes in as data,
never as markup.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import typst

FONTS = Path(__file__).parents[1] / "sandbox" / "disclosure" / "files" / "fonts"


def typeset(template: Path, data: Mapping[str, object]) -> bytes:
    """A PDF. `template` reads `data`, texts alone, as JSON from `sys.inputs.data`."""
    return typst.compile(
        template,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
