"""三员分立: what the three administrators may not do, whatever team or organisation they are put into
(GB/T 22239-2019, 8.1.5.1 to 8.1.5.3)."""

import re

from marketplace.settings import REPOSITORY

MONEY = {"view_team_income"}  # what a team earned, and nothing of data
SEEN_BY_ANYBODY = {"see"}  # the catalogue
ACTION = re.compile(r'Action::"(\w+)"')
EFFECT = re.compile(r"^(permit|forbid) \(", re.MULTILINE)


def rules() -> dict[str, tuple[str, set[str], str]]:
    """Effect, actions and condition of each rule, by its id."""
    files = sorted((REPOSITORY / "policies").glob("*.cedar"))
    found = {}
    for text in "\n".join(file.read_text("utf-8") for file in files).split(";\n"):
        effect = EFFECT.search(text)
        if effect:
            head, _, condition = text[effect.end() :].partition("{")
            id = text.partition('@id("')[2].partition('"')[0]
            found[id] = (effect[1], set(ACTION.findall(head)), condition)
    return found


def test_no_right_of_a_team_member_is_an_administrators() -> None:
    """A role is the only one of their account, so what a rule gives without asking for a role is what
    membership alone could give them."""
    known = rules()
    given = {
        action
        for effect, actions, condition in known.values()
        if effect == "permit" and "teams" in condition and "roles" not in condition
        for action in actions
    }
    assert {"ask", "run", "register_model", "predict_model"} <= given
    assert given - MONEY - SEEN_BY_ANYBODY <= known["administrator_uses_no_data"][1]
