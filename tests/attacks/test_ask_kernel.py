"""What SQL tries at the vault's address it tries from a sealed kernel in vain, too;
and so does a kernel without our client.

Source: "Attacks to keep repelling" of the survey of peers (2026); the client runs in the attacker's own
process, so nothing may rest on it (CWE-602, "Client-Side Enforcement of Server-Side Security").
"""

import json
from typing import Any

import pytest
from ask_attempts import CHOSEN_ROWS, FAILING, NO_QUESTIONS, OWN_VALUES

from workspace import Kernel

ATTEMPTS = [sql.format("clinic.visits") for sql in (*OWN_VALUES, *CHOSEN_ROWS, *NO_QUESTIONS, *FAILING)]
ASK = """
import cihu, json
def tried(deed):
    try:
        return "answered: " + str(deed())
    except cihu.CihuError as refused:
        return refused.code
def spent():
    return [level["picorho_spent"] for grant in cihu.budget().grants for level in grant["levels"]]
before = spent()
"""
BARE = """
import http.client, socket
class Door(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/run/cihu/vault.sock")
def sent(body):
    door = Door("vault")
    with open("/run/kernel/token") as file:
        door.request("POST", "/v1/ask", json.dumps(body), {"Authorization": "Bearer " + file.read().strip(),
                                                           "Content-Type": "application/json"})
    answer = door.getresponse()
    return answer.status, json.loads(answer.read()).get("code", "")
"""


def value(kernel: Kernel, expression: str) -> Any:
    said = kernel.text(f"print('>>>' + json.dumps({expression}))")
    assert ">>>" in said, said
    return json.loads(said.partition(">>>")[2].splitlines()[0])


def test_every_attempt_is_refused_in_the_kernel_and_costs_nothing(one_kernel: Kernel) -> None:
    one_kernel.text(ASK)
    told = value(one_kernel, f"[tried(lambda sql=sql: cihu.sql(sql)) for sql in {ATTEMPTS!r}]")
    assert len(told) == len(ATTEMPTS) > 90
    let_through = {
        sql: code
        for sql, code in zip(ATTEMPTS, told, strict=True)
        if code not in ("query_refused", "not_sql", "dataset_not_found")
    }
    assert not let_through
    assert value(one_kernel, "spent() == before") is True


@pytest.mark.parametrize(
    "more",
    [
        {"noise": 0},
        {"scale": 0},
        {"seed": 1},
        {"max_rows": 10**9},
        {"stored": True},
        {"principal": "lin"},
        {"team": "river"},
        {"epsilon": "-1"},
        {"epsilon": "inf"},
        {"epsilon": "1e-99"},
        {"grant": -1},
        {"grant": "1 OR 1=1"},
        {"error": "0"},
        {"way": "reviewed"},
        {"version": 0},
        {"sql": ["SELECT"]},
        {"sql": None},
    ],
)
def test_a_kernel_that_speaks_to_the_vault_itself_gets_no_more(
    one_kernel: Kernel, more: dict[str, object]
) -> None:
    """Parameter tampering and mass assignment (OWASP API Security Top 10 2023, API3)."""
    one_kernel.text(ASK + BARE)
    status, code = value(
        one_kernel, f"sent({ {'sql': 'SELECT COUNT(*) FROM clinic.visits', 'epsilon': '0.1', **more}!r})"
    )
    assert status in (403, 404, 422) and code
    assert value(one_kernel, "spent() == before") is True
