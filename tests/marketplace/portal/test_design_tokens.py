"""The colours of portal.css keep the contrast that WCAG 2.2 asks for, in both themes.

Source: WCAG 2.2, 1.4.3 (text 4.5:1), 1.4.11 (controls and the focus 3:1), with its relative luminance.
"""

import re

import pytest

from marketplace.portal.rendering import FOLDER

TEXT = ("ink", "soft", "lake", "bad", "amber")
CONTROLS = ("edge", "focus", "lake", "bad", "amber")
GROUNDS = ("paper", "card")


def themes() -> dict[str, dict[str, str]]:
    css = (FOLDER / "static" / "portal.css").read_text()
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", css)
    )
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_controls_and_the_focus_are_plain_to_see(theme: str) -> None:
    tokens = themes()[theme]
    for ground in GROUNDS:
        for name in TEXT:
            assert contrast(tokens[name], tokens[ground]) >= 4.5, (name, ground)
        for name in CONTROLS:
            assert contrast(tokens[name], tokens[ground]) >= 3, (name, ground)
    for fill in ("fill", "danger"):
        assert contrast(tokens["on-fill"], tokens[fill]) >= 4.5, fill


def test_no_rule_has_a_colour_of_its_own() -> None:
    """But for white paper under pictures and in print, and the white on a count."""
    css = (FOLDER / "static" / "portal.css").read_text()
    rules = re.sub(r":root \{.*?\}|@media print \{.*", "", css, flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-fA-F]{3,6}\b", rules)) <= {"#fff"}
