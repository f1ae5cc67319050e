"""Who may ask at which door?
A token opens its own door only, for as long as its account and its grant are good.

The list of attacks: replay of tokens, confused deputies between audiences (RFC 8725, "JSON Web Token Best
Current Practices", sections 2.7 and 3.9), insecure direct object references (OWASP Top 10 2021, A01) by
numbers of answers and grants.
"""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from asked_vault import AskedVault, Asker
from sandbox.grants.tables import grants
from sandbox.identity import (
    KERNEL,
    PORTAL,
    VAULT,
    WORKSPACE,
    TokenIssuer,
    create_account,
    disable_account,
    join_team,
)

DOORS: dict[str, Callable[[AskedVault], httpx.Client]] = {
    "the vault's address": lambda asked: asked.person("wang").client,
    "the kernels' socket": lambda asked: asked.kernel("wang").client,
}
OWN = {"the vault's address": VAULT, "the kernels' socket": KERNEL}
QUESTIONS = (
    ("POST", "/v1/ask"),
    ("POST", "/v1/explain"),
    ("GET", "/v1/datasets"),
    ("GET", "/v1/me"),
    ("GET", "/v1/budgets"),
)


@pytest.fixture(scope="module")
def clinic(asked: AskedVault) -> str:
    return asked.dataset()[0]


def knock(client: httpx.Client, token: str, clinic: str) -> set[int]:
    """Every request that a token could be good for at a door; the statuses."""
    body = {"sql": f"SELECT COUNT(*) FROM {clinic}"}
    return {
        client.request(
            method,
            path,
            headers={"Authorization": f"Bearer {token}"},
            **({"json": body} if method == "POST" else {}),
        ).status_code
        for method, path in QUESTIONS
    }


@pytest.mark.parametrize("door", DOORS)
def test_each_door_takes_its_own_tokens_and_no_others(door: str, asked: AskedVault, clinic: str) -> None:
    """Source: RFC 8725, section 3.9 (use and validate audience).
    A kernel's token at the vault's address would let a notebook publish; a person's token at the socket would
    make a stolen one good in any kernel."""
    client = DOORS[door](asked)
    for audience in (VAULT, KERNEL, WORKSPACE, PORTAL):
        statuses = knock(client, asked.token("wang", audience), clinic)
        assert statuses == ({200} if audience == OWN[door] else {401}), (audience, statuses)


def test_the_kernels_door_has_no_way_to_publish_decide_or_open_kernels(
    asked: AskedVault, clinic: str
) -> None:
    """Source: least privilege (Saltzer and Schroeder 1975):
    what an analyst's program does not need is not there, not even for an officer's kernel."""
    lin = asked.kernel("lin")
    for method, path in (
        ("POST", "/v1/datasets"),
        ("POST", f"/v1/datasets/{clinic}/open-copy"),
        ("POST", "/v1/requests"),
        ("GET", "/v1/requests"),
        ("POST", "/v1/requests/1/approve"),
        ("POST", "/v1/grants/1/revoke"),
        ("GET", "/v1/grants"),
        ("POST", "/v1/kernels"),
        ("GET", "/v1/log/entries?start=0&end=9"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    ):
        assert lin.send(method, path, **({"json": {}} if method == "POST" else {})).status_code in (
            404,
            405,
        ), path
    assert asked.person("lin").send("POST", "/v1/kernels/renew", json={}).status_code in (404, 405)


def test_only_a_workspaces_token_opens_a_kernel(asked: AskedVault) -> None:
    """Source: RFC 8725, section 3.9."""
    for audience in (VAULT, KERNEL, PORTAL):
        wang = asked.person("wang", audience)
        assert wang.send("POST", "/v1/kernels", json={"kernel_id": str(uuid4())}).status_code == 401
    opened = asked.person("wang", WORKSPACE).send("POST", "/v1/kernels", json={"kernel_id": str(uuid4())})
    assert opened.status_code == 200
    token = opened.json()["token"]
    assert (
        asked.person("wang").client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code
        == 401
    )
    assert (
        asked.kernel("wang").client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()["id"]
        == "wang"
    )


def test_tokens_that_nobody_issued_open_nothing(asked: AskedVault, clinic: str) -> None:
    """Source: RFC 8725, sections 2.1 (alg none, algorithm confusion), 2.2, 3.10 (foreign keys by kid,
    jku)."""
    client, good = asked.person("wang").client, asked.token("wang")
    header, body, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    other = Ed25519PrivateKey.generate()

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    forged = [
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{part({'alg': 'none', 'kid': kid})}.{body}.{signature}",
        jwt.encode(claims, other, algorithm="EdDSA", headers={"kid": kid}),
        jwt.encode(claims, other, algorithm="EdDSA"),
        jwt.encode(claims, kid, algorithm="HS256", headers={"kid": kid}),
        f"{header}.{part(claims | {'sub': 'lin'})}.{signature}",
        f"{header}.{part(claims | {'exp': 4_000_000_000})}.{signature}",
        jwt.encode(
            claims,
            other,
            algorithm="EdDSA",
            headers={"kid": "../../keys/portal", "jku": "http://127.0.0.1/keys"},
        ),
        good[:-4] + "AAAA",
        f"{header}.{body}",
        "chk_" + "a" * 40,
        "null",
        good + "." + signature,
        f"{good} {good}",
    ]
    for token in forged:
        assert knock(client, token, clinic) == {401}, token
    assert knock(client, good, clinic) == {200}


def test_a_token_that_has_run_out_is_good_for_nothing(asked: AskedVault, clinic: str) -> None:
    """Source: replay (RFC 8725, section 3.8 on stale tokens)."""
    issuer = TokenIssuer("portal", asked.home / "keys" / "portal", asked.story.database)
    signing = issuer._signing
    now = int(time.time())
    stale = jwt.encode(
        {"iss": "portal", "sub": "wang", "aud": VAULT, "iat": now - 800, "exp": now - 60, "jti": "old"},
        signing.key,
        algorithm="EdDSA",
        headers={"kid": signing.kid},
    )
    eternal = jwt.encode(
        {"iss": "portal", "sub": "wang", "aud": VAULT, "iat": now, "exp": now + 10**8, "jti": "long"},
        signing.key,
        algorithm="EdDSA",
        headers={"kid": signing.kid},
    )
    told = asked.person("wang").client.get("/v1/me", headers={"Authorization": f"Bearer {stale}"})
    assert (told.status_code, told.json()["code"]) == (401, "token_expired")
    assert knock(asked.person("wang").client, eternal, clinic) == {401}


def analyst(asked: AskedVault, name: str) -> tuple[Asker, Asker]:
    """A new member of wang's team, at both doors."""
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name=name, organisation="hbpu", roles=["analyst"], by="system"
        )
        join_team(tx, team_id="lake", account_id=name, by="system")
    return asked.person(name), asked.kernel(name)


def test_a_disabled_account_is_shut_out_at_both_doors_at_once(asked: AskedVault, clinic: str) -> None:
    """Source: replay of a token after its account was disabled:
    its signature and its time are good, the account is not."""
    person, kernel = analyst(asked, "leaver")
    workspace = asked.person("leaver", WORKSPACE)
    sql = f"SELECT COUNT(*) FROM {clinic}"
    known = person.answer(sql)
    assert kernel.answer(sql)["stored"]
    with asked.story.database.transaction() as tx:
        disable_account(tx, account_id="leaver", reason="left", by="system")
    for somebody in (person, kernel):
        assert somebody.refusal(sql)[0] == 401
        for path in ("/v1/me", "/v1/datasets", f"/v1/answers/{known['answer_id']}"):
            assert somebody.send("GET", path).status_code == 401
    assert kernel.send("POST", "/v1/kernels/renew", json={}).status_code == 401
    assert workspace.send("POST", "/v1/kernels", json={"kernel_id": str(uuid4())}).status_code == 401


def test_a_revoked_grant_stops_the_next_question_even_a_stored_one(asked: AskedVault) -> None:
    """Source: replay of a right after it ended: the token is good, the kernel runs, the answer is stored;
    the grant is not."""
    dataset, grant = asked.dataset()
    person, kernel, sql = asked.person("wang"), asked.kernel("wang"), f"SELECT COUNT(*) FROM {dataset}"
    person.answer(sql)
    before = asked.spent(grant)
    revoked = asked.person("lin").send(
        "POST", f"/v1/grants/{grant.id}/revoke", json={"reason": "the purpose ended"}
    )
    assert revoked.status_code == 200
    for somebody in (person, kernel):
        for more in ({}, {"grant": grant.id}):
            assert somebody.refusal(sql, **more) == (403, "grant_not_live")
            assert somebody.refusal(f"SELECT SUM(cost) FROM {dataset}", **more) == (403, "grant_not_live")
    assert asked.spent(grant) == before


def test_a_grant_stops_at_its_moment_and_not_when_somebody_writes_it_down(asked: AskedVault) -> None:
    """Source: time of check, time of use: the record says live until the housekeeping comes round;
    the decision looks at the clock."""
    dataset, grant = asked.dataset()
    with asked.story.database.transaction() as tx:
        tx.execute(
            update(grants)
            .where(grants.c.id == grant.id)
            .values(until=datetime.now(UTC) - timedelta(seconds=1))
        )
    status, code = asked.person("wang").refusal(f"SELECT COUNT(*) FROM {dataset}", grant=grant.id)
    assert status == 403 and code in ("grant_expired", "grant_not_live")


def test_another_teams_answers_grants_and_receipts_stay_theirs(asked: AskedVault, clinic: str) -> None:
    """Source: insecure direct object references (OWASP A01):
    numbers are tried, and a number of another's gives what a number of nobody gives."""
    dataset, grant = asked.dataset()
    answer = asked.person("wang").answer(f"SELECT COUNT(*) FROM {dataset}")
    path = f"/v1/answers/{answer['answer_id']}"
    assert asked.person("song").send("GET", path).json()["rows"] == answer["rows"]
    for name in ("qin", "li", "zhou"):
        for somebody in (asked.person(name), asked.kernel(name)):
            theirs, nobodys = somebody.send("GET", path), somebody.send("GET", f"/v1/answers/{uuid4()}")
            assert theirs.status_code == nobodys.status_code == 404
            assert [{**one.json(), "request_id": ""} for one in (theirs, nobodys)] == [
                {**theirs.json(), "request_id": ""}
            ] * 2
    qin = asked.person("qin")
    assert qin.refusal(f"SELECT COUNT(*) FROM {dataset}", grant=grant.id) == (404, "not_found")
    assert qin.refusal(f"SELECT COUNT(*) FROM {dataset}") == (403, "no_grant")
    assert (
        qin.send(
            "POST", "/v1/explain", json={"sql": f"SELECT COUNT(*) FROM {dataset}", "grant": grant.id}
        ).status_code
        == 404
    )
    assert asked.person("wang").refusal(f"SELECT COUNT(*) FROM {clinic}", grant=grant.id)[0] == 422, (
        "a grant of another dataset"
    )
    receipt = qin.send("GET", f"/v1/log/receipts/{answer['log_index']}").json()
    assert receipt["opening"] is None, "that it happened is everybody's to verify; what it was is not"
    assert all(one["grant"] != grant.id for one in qin.send("GET", "/v1/budgets").json())


def test_numbers_that_are_no_numbers_are_refused_plainly(asked: AskedVault) -> None:
    """Source: injection through paths and numbers (CWE-20)."""
    wang = asked.person("wang")
    for path in (
        "/v1/answers/1",
        "/v1/answers/..%2f..%2fetc",
        "/v1/answers/00000000-0000-0000-0000-000000000000' OR 1=1",
        f"/v1/log/receipts/{2**70}",
        "/v1/log/receipts/-1",
        f"/v1/budgets?grant={2**40}",
        "/v1/budgets?grant=x",
    ):
        told = wang.send("GET", path)
        assert told.status_code in (404, 422), (path, told.text)
        assert "Traceback" not in told.text
    for body in (
        {"sql": "SELECT 1", "grant": 2**40},
        {"sql": None},
        {"sql": "x" * 30_000},
        {"sql": "SELECT 1", "epsilon": "NaN"},
        {"sql": "SELECT 1", "epsilon": "-1"},
        {"sql": "SELECT 1", "epsilon": "Infinity"},
        [],
        "x",
        {"sql": "SELECT 1", "epsilom": "0.1"},
        {"sql": "SELECT 1", "error": "NaN"},
    ):
        assert wang.send("POST", "/v1/ask", json=body).status_code == 422
    dataset, grant = asked.dataset()
    for epsilon in ("0", "1e-9", "1000000", "NaN", "-0.5", "1e400"):
        assert wang.ask(f"SELECT COUNT(*) FROM {dataset}", epsilon=epsilon).status_code in (402, 422)
    for number in (2**40, 2**70, -1, 0):
        assert wang.ask(f"SELECT COUNT(*) FROM {dataset}", grant=number).status_code in (404, 422)
        for path in (f"/v1/requests/{number}/approve", f"/v1/grants/{number}/revoke"):
            told = asked.person("lin").send("POST", path, json={"reason": "a number that is none"})
            assert told.status_code in (404, 422), (path, told.text)
    assert asked.account(grant.account).spent.picorho == 0
