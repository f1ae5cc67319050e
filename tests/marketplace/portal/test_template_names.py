"""No template prints a macro where it means a value: a layout's macros are names in all that extend it."""

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

FOLDER = Path(__file__).parents[3] / "marketplace" / "portal" / "templates"
PAGES = sorted(path.name for path in FOLDER.glob("*.html"))
ENVIRONMENT = Environment(autoescape=True)


def tree(name: str) -> nodes.Template:
    return ENVIRONMENT.parse((FOLDER / name).read_text("utf-8"))


def layouts(name: str) -> list[str]:
    """What a template extends, and what that extends."""
    found = [
        each.template.value
        for each in tree(name).find_all(nodes.Extends)
        if isinstance(each.template, nodes.Const)
    ]
    return [*found, *(further for each in found for further in layouts(each))]


def macros(name: str) -> set[str]:
    return {each.name for each in tree(name).find_all(nodes.Macro)}


def taken_over(name: str) -> set[str]:
    """What a template imports from others."""
    return {
        item[1] if isinstance(item, tuple) else item
        for each in tree(name).find_all(nodes.FromImport)
        for item in each.names
    }


def wanted_names(name: str) -> set[str]:
    """What a template reads and does not name itself."""
    names = list(tree(name).find_all(nodes.Name))
    given = {each.name for each in names if each.ctx != "load"}
    return {each.name for each in names if each.ctx == "load"} - given - macros(name) - taken_over(name)


@pytest.mark.parametrize("name", PAGES)
def test_no_layouts_macro_hides_a_value_of_a_page(name: str) -> None:
    wanted = wanted_names(name)
    for layout in layouts(name):
        assert not wanted & macros(layout), f"{name} reads a value by the name of a macro of {layout}"


@pytest.mark.parametrize("name", PAGES)
def test_no_macro_is_printed(name: str) -> None:
    own = tree(name)
    known = macros(name) | taken_over(name)
    outputs = own.find_all(nodes.Output)
    printed = {part.name for each in outputs for part in each.nodes if isinstance(part, nodes.Name)}
    inside = {arg.name for each in own.find_all(nodes.Macro) for arg in each.args}
    assert not printed & known - inside, f"{name} prints a macro, and does not call it"
