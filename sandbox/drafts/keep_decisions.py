"""Keeps what an officer decided when a draft's file is read in another way, and tells what does not fit it.

Decided is what differs from what was suggested before. All else is as it is suggested now.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.catalog.step_file import made_columns
from sandbox.drafts.draft_text import notes_of
from sandbox.drafts.suggest import Suggested

OF_COLUMNS = ("columns", "dropped_columns", "file")
MISSING = object()
Spec = dict[str, Any]


def keep_decisions(suggested: Suggested, *, before: Spec, now: Spec) -> None:
    """Give a new suggestion what was decided. `before`: the policy that was suggested last; `now`: that of
    the draft; both as `draft_text.editable` gives them.

    A column that the draft knew keeps its name there: steps, rules and the unit name it so. A new one gets a
    name that none of them has.
    """
    policy = suggested.policy
    base_columns, new, made = by_label(before), by_label(policy), made_columns(now)
    columns = {label: known for label, known in by_label(now).items() if known[0] not in made}
    labels = {*new, *policy.get("dropped_columns", [])}
    dropped = _dropped(suggested, before, now, labels, columns)
    taken = made | {columns[label][0] for label in new if label in columns and label not in dropped}
    kept: dict[str, Spec] = {name: spec for name, spec in now["columns"].items() if name in made}
    renamed = dict[str, str]()
    for label, (name, spec) in new.items():
        if label in dropped:
            continue
        if label in columns:
            chosen, own = columns[label]
            base = base_columns.get(label, (name, {}))[1]
        else:
            chosen, own, base = _free(name, {*kept, *taken}), spec, spec
        renamed[name] = chosen
        kept[chosen] = _merged(base, own, spec) | {"source": label}
    _rename_suggestions(suggested, renamed)
    for label, (name, spec) in columns.items():
        if label not in labels and (name, spec) != base_columns.get(label):
            left_behind(suggested, f"columns.{name}", label)
        if label in labels and label not in new and label not in dropped:
            kept[name] = spec | {"source": label}  # taken back, though the pattern drops it
    unit = _renamed_unit(policy.get("unit"), renamed)
    fields = _merged(_fields(before), _fields(now), _fields(policy) | ({"unit": unit} if unit else {}))
    if lost := _named_columns(fields.get("unit")) - kept.keys():
        left_behind(suggested, "unit", ", ".join(sorted(lost)))
        fields.pop("unit")
        if unit and _named_columns(unit) <= kept.keys():
            fields["unit"] = unit
    suggested.policy = {
        **fields,
        **({"file": policy["file"]} if "file" in policy else {}),
        **({"dropped_columns": dropped} if dropped else {}),
        "columns": kept,
    }


def decided_notes(before: Spec, now: Spec, said: object) -> int | None:
    """How many rows at the end an officer decided to leave out; None: that was left to be detected.
    `said`: what was said as the file was read last."""
    notes = notes_of(now)
    if notes != notes_of(before):
        return notes or 0
    return said if type(said) is int else None


def _dropped(
    suggested: Suggested, before: Spec, now: Spec, labels: set[str], columns: Mapping[str, tuple[str, Spec]]
) -> list[str]:
    """The headers of columns that stay out. That one is not in the file any more is told."""
    dropped: list[str] = []
    lost: list[str] = []
    for label in dict.fromkeys(now.get("dropped_columns", [])):
        (dropped if label in labels else lost).append(label)
    by_rule = before.get("dropped_columns", [])
    for label in lost:
        if label not in by_rule:
            left_behind(suggested, "dropped_columns", label)
    return dropped + [
        label
        for label in suggested.policy.get("dropped_columns", [])
        if label not in dropped and label not in columns  # one that was brought back is no longer dropped
    ]


def by_label(policy: Mapping[str, Any]) -> dict[str, tuple[str, Spec]]:
    """Name and document of each column, by its header in the file."""
    return {str(spec.get("source", name)): (name, dict(spec)) for name, spec in policy["columns"].items()}


def _merged(base: Mapping[str, Any], mine: Mapping[str, Any], new: Mapping[str, Any]) -> Spec:
    """What `mine` has otherwise than `base`, and what `new` has of all else."""
    merged: Spec = {}
    for key in {**new, **mine}:
        own = mine.get(key, MISSING)
        value = own if own != base.get(key, MISSING) else new.get(key, MISSING)
        if value is not MISSING:
            merged[key] = value
    return merged


def _fields(policy: Mapping[str, Any]) -> Spec:
    return {key: value for key, value in policy.items() if key not in OF_COLUMNS}


def _renamed_unit(unit: Any, names: Mapping[str, str]) -> Any:
    """A suggested unit names at most one column."""
    if not isinstance(unit, dict) or unit.get("column") not in names:
        return unit
    return unit | {"column": names[unit["column"]]}


def _named_columns(unit: Any) -> set[str]:
    if not isinstance(unit, dict):
        return set()
    several = unit.get("columns")
    return {
        str(name) for name in (unit.get("column"), *(several if isinstance(several, list) else ())) if name
    }


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name[:60]}_{number}", number + 1
    return free


def _rename_suggestions(suggested: Suggested, names: Mapping[str, str]) -> None:
    """All at once: one column's new name may be another's old one."""
    for one in suggested.suggestions:
        first, _, rest = one["path"].partition(".")
        name = rest.rpartition(".")[0]
        if first == "columns" and name in names:
            one["path"] = f"columns.{names[name]}.{rest.rpartition('.')[2]}"


def left_behind(suggested: Suggested, path: str, value: str) -> None:
    suggested.add(
        f"kept.{path}",
        value,
        "This was decided before, and does not fit the file as it is read now: it was left out.",
        "此前的决定与现在读取的文件不符，未予保留。",
        "sure",
        from_rows=True,  # told to the file's officer alone: what was read as a name may have been a value
    )
