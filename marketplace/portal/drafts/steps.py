"""The steps of the wizard, and to which of them a place in the policy belongs."""

STEPS = ("file", "unit", "columns", "clean", "values", "about", "publish")
"""In their order; each is a page under `/drafts/{number}/`."""

OF_FILE = frozenset({"file"})
OF_UNIT = frozenset({"unit"})
OF_VALUES = frozenset({"bounds", "step", "values", "required", "measured_in", "typical"})


def step_of(path: str) -> str:
    """The step on whose page the value at `path` (such as `columns.age.bounds`) is changed."""
    first, *rest = path.split(".")
    if first in OF_FILE:
        return "file"
    if first in OF_UNIT:
        return "unit"
    if first == "steps":
        return "clean"
    if first == "columns":
        return "values" if len(rest) > 1 and rest[1] in OF_VALUES else "columns"
    if first in {"dropped_columns", "empty_marks"}:
        return "columns"
    return "about"


def next_step(step: str) -> str:
    """The step after this one; the last is followed by itself."""
    return STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]
