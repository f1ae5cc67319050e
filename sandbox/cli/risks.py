"""The command for the risk watch: what is out of the ordinary."""

from typing import Any

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of

KINDS = {
    "budget_burn": "the budget will be used up early",
    "budget_promised": "little of the budget is left to promise",
    "refused_attempts": "many attempts were refused",
    "many_questions": "unusually many questions",
    "near_capacity": "near the limit of what reviews may tell",
    "overdue_review": "the review is overdue",
    "overdue_opening": "the checklist before it opens is overdue",
    "overdue_problem": "a reported problem was not answered in time",
    "overdue_update": "no new version came",
}


@app.command()
def risks(who: As = "lin", home: Home = None, as_json: Json = False) -> None:
    """List what is out of the ordinary (data officers: of their department; auditors: everywhere)."""
    visitor = visitor_of(home, who)
    known = visitor.vault("GET", "/v1/risks")
    called = visitor.market("GET", "/api/v1/risks")["new_networks"]
    lines = [_line(each) for each in known["findings"]]
    lines += [
        f"key:{each['key']}, {each['organisation']}, {each['product']}: called from {each['network']} since "
        f"{each['first_seen'][:10]}, and from {each['known']} other networks before"
        for each in called
    ]
    show({**known, "new_networks": called}, as_json, *lines or ["Nothing is out of the ordinary."])


def _line(finding: dict[str, Any]) -> str:
    numbers = f" ({finding['value']:g}; counts from {finding['limit']:g})" if "value" in finding else ""
    since = f", {finding['since'][:10]}" if "since" in finding else ""
    return f"{finding['subject']}, {finding['object']}: {KINDS[finding['kind']]}{numbers}{since}"
