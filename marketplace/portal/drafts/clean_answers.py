"""What the forms of the fourth step change: cleaning steps, each of which is one small form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.datastructures import FormData

from marketplace.portal.drafts.answers import normal, plain_number
from marketplace.portal.drafts.policy_values import PolicyValues
from sandbox.errors import InvalidInput

NUMBERS = ("integer", "number")
MOMENTS = ("date", "timestamp")
LISTED = ("text", "integer", "boolean", "date")
Kind = Literal["column", "columns", "text", "area", "choice", "new"]


@dataclass(frozen=True)
class Input:
    """One input of a form. `types`: of the columns that can be chosen. A `new` column has a name and, where
    `types` names several, a type of these."""

    name: str
    kind: Kind
    types: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    required: bool = True


ANY = ("text", "integer", "number", "boolean", "date", "timestamp")
FORMS: Mapping[str, tuple[Input, ...]] = {
    "trim": (Input("columns", "columns", ("text",)),),
    "case": (Input("case", "choice", choices=("upper", "lower")), Input("columns", "columns", ("text",))),
    "map": (
        Input("column", "column", LISTED),
        Input("values", "area"),
        Input("others", "choice", choices=("keep", "empty", "drop", "refuse")),
        Input("into", "new", LISTED, required=False),
    ),
    "fill": (Input("column", "column", ANY), Input("with", "text")),
    "drop_rows": (Input("condition", "area"),),
    "deduplicate": (Input("columns", "columns", ANY), Input("keep", "choice", choices=("first", "last"))),
    "derive": (Input("into", "new", ANY), Input("as", "area")),
    "parse": (Input("column", "column", ("text",)), Input("into", "new", ANY[1:])),
    "bands": (Input("column", "column", NUMBERS), Input("bands", "text"), Input("into", "new", ("text",))),
    "digits": (Input("column", "column", ("text",)), Input("digits", "text")),
    "dates": (
        Input("column", "column", MOMENTS),
        Input("to", "choice", choices=("month", "quarter", "year")),
    ),
    "pseudonym": (
        Input("column", "column", ("text", "integer")),
        Input("into", "new", ("text",), required=False),
        Input("shared_as", "text", required=False),
    ),
    "truncate": (Input("column", "column", ("text",)), Input("characters", "text")),
    "limit": (
        Input("column", "column", NUMBERS),
        Input("low", "text", required=False),
        Input("high", "text", required=False),
    ),
}
"""The forms in the order of the page. `generalise` has three: of numbers, of codes and of dates."""
GENERALISE = {"bands": "bands", "digits": "digits", "dates": "to"}
"""The forms of `generalise`, and the field by which each is known."""
VERBS = {*FORMS, "generalise"} - set(GENERALISE)
ARROWS = ("→", "->", "=")


@dataclass(frozen=True)
class ShownStep:
    """A step as the page shows it: which form it is of, its columns, and what else it says."""

    form: str
    columns: str
    said: str


def shown_steps(policy: PolicyValues) -> list[ShownStep]:
    steps = policy.get("steps")
    return [_shown(step) for step in steps] if isinstance(steps, list) else []


def _shown(step: Any) -> ShownStep:
    if not isinstance(step, dict):
        return ShownStep("", "", str(step))
    verb = next((name for name in step if name in VERBS), "")
    form = verb
    if verb == "generalise":
        form = next((way for way, field in GENERALISE.items() if field in step), "")
    named = step.get("columns") if verb == "case" else step.get(verb)
    columns = ", ".join(map(str, named)) if isinstance(named, list) else str(named)
    if verb == "drop_rows":
        columns = ""
    if step.get("into") is not None:
        columns += f" → {step['into']}"
    return ShownStep(form, columns, _said(verb, step))


def _said(verb: str, step: Mapping[str, Any]) -> str:
    match verb:
        case "map" if isinstance(step.get("values"), dict):
            listed = list(step["values"].items())
            said = ", ".join(f"{old} → {'–' if new is None else new}" for old, new in listed[:6])
            return said + (" …" if len(listed) > 6 else "")
        case "drop_rows":
            return str(step[verb])
        case "derive":
            return str(step.get("as", ""))
        case "case":
            return ""
    shown = {name: value for name, value in step.items() if name not in {verb, "into", "values", "others"}}
    return ", ".join(
        ", ".join(map(plain_number, value)) if isinstance(value, list) else plain_number(value)
        for value in shown.values()
    )


def clean_changes(policy: PolicyValues, given: FormData) -> dict[str, Any]:
    """What a form changes, by path: a step is added, taken out or moved. Raises `InvalidInput`."""
    for deed in ("remove", "up", "down"):
        if deed in given:
            number = _number(str(given[deed]))
            if deed == "remove":
                return {"steps.remove": number}
            return {"steps.move": [number, number + (1 if deed == "down" else -1)]}
    form = str(given.get("form", ""))
    return _added(policy, form, given) if form in FORMS else {}


def _added(policy: PolicyValues, form: str, given: FormData) -> dict[str, Any]:
    typed = {each.name: _typed(each, given) for each in FORMS[form]}
    step = _step(policy, form, typed, given)
    answers: dict[str, Any] = {}
    column, into = typed.get("column"), typed.get("into")
    if into:
        kind = str(given.get("into.type", "text"))
        answers[f"columns.{into}.make"] = {"role": "attribute", "type": kind}
        if "leave_out" in given and column:
            answers |= {f"columns.{column}.role": "hidden", f"columns.{column}.keep": False}
    return answers | {"steps.add": step}


def _typed(of: Input, given: FormData) -> Any:
    if of.kind == "columns":
        chosen = [str(name) for name in given.getlist("columns")]
        if not chosen:
            raise refusal("Tick at least one column.", "请至少勾选一栏。")
        return chosen
    text = normal(str(given.get(of.name, "")))
    if of.required and not text:
        raise refusal(f"{of.name}: something belongs here.", f"请填写 {of.name}。")
    if of.kind == "choice" and text not in of.choices:
        raise refusal(f"{of.name}: choose one.", f"请选择 {of.name}。")
    return text


def _step(policy: PolicyValues, form: str, typed: Mapping[str, Any], given: FormData) -> dict[str, Any]:
    column, into = typed.get("column"), typed.get("into")
    made = {"into": into} if into else {}
    kind = str(policy.get(f"columns.{column}.type"))
    match form:
        case "trim" | "deduplicate":
            return {form: typed["columns"], **({"keep": typed["keep"]} if form == "deduplicate" else {})}
        case "case":
            return {"case": typed["case"], "columns": typed["columns"]}
        case "map":
            target = str(given.get("into.type", "text")) if into else kind
            return {
                "map": column,
                "values": _pairs(typed["values"], target),
                "others": typed["others"],
                **made,
            }
        case "fill":
            return {"fill": column, "with": _value(typed["with"], kind)}
        case "drop_rows":
            return {"drop_rows": typed["condition"]}
        case "derive":
            return {"derive": into, "as": typed["as"]}
        case "bands":
            edges = [_decimal(part) for part in typed["bands"].replace("，", ",").split(",") if part.strip()]
            return {"generalise": column, "bands": edges, **made}
        case "digits":
            return {"generalise": column, "digits": _number(typed["digits"])}
        case "dates":
            return {"generalise": column, "to": typed["to"]}
        case "truncate":
            return {"truncate": column, "characters": _number(typed["characters"])}
        case "limit":
            ends = {name: _decimal(typed[name]) for name in ("low", "high") if typed[name]}
            return {"limit": column, **ends}
        case "pseudonym":
            return {
                "pseudonym": column,
                **made,
                **({"shared_as": typed["shared_as"]} if typed["shared_as"] else {}),
            }
    return {form: column, **made}


def _pairs(text: str, kind: str) -> dict[str, Any]:
    """Lines such as `男 = 1`: an empty right side empties the cell."""
    pairs: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.split("\n"))):
        sign = next((sign for sign in ARROWS if sign in line), None)
        if sign is None:
            raise refusal("Write one pair a line: old = new.", "请每行写一对：旧值 = 新值。")
        old, new = map(str.strip, line.split(sign, 1))
        pairs[old] = _value(new, kind) if new else None
    return pairs


def _value(text: str, kind: str) -> Any:
    match kind:
        case "integer":
            return _number(text)
        case "number":
            return _decimal(text)
        case "boolean":
            return {"true": True, "false": False, "是": True, "否": False}.get(text.lower(), text)
    return text


def _number(text: str) -> int:
    bare = text.strip()
    if not (bare.isascii() and bare.removeprefix("-").isdigit() and len(bare) <= 16):
        raise refusal(f"{text[:40]!r} is not a whole number.", f"“{text[:40]}”不是整数。")
    return int(bare)


def _decimal(text: str) -> int | float:
    bare = text.strip()
    whole, _, rest = bare.removeprefix("-").partition(".")
    if not (bare.isascii() and whole.isdigit() and (not rest or rest.isdigit()) and len(bare) <= 24):
        raise refusal(f"{text[:40]!r} is not a number.", f"“{text[:40]}”不是数字。")
    return float(bare) if rest else int(bare.removesuffix("."))


def columns_of(policy: PolicyValues, types: Sequence[str]) -> list[str]:
    """The columns of the policy that have one of these types."""
    return [name for name in policy.columns() if policy.get(f"columns.{name}.type") in types]


def refusal(message: str, zh: str) -> InvalidInput:
    return InvalidInput(
        message,
        code="field_unreadable",
        remedy="Correct it; everything else that you typed is kept.",
        zh=zh,
        remedy_zh="请改正；您填写的其他内容都还在。",
    )
