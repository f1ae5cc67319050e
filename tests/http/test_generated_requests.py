"""Whatever fits the description may be sent, and what does not: the vault answers as it is described, at its
address and at the kernels' socket, to people of every role and to strangers.

Source: Z. Hatfield-Dodds and D. Dygalo, "Deriving semantics-aware fuzzers from web API schemas" (2022), whose
Schemathesis makes the requests here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from schemathesis import GenerationMode

from asked_vault import AskedVault, asked_vault
from generated_requests import Callers, over_socket, statuses_by_role
from sandbox.identity import KERNEL, VAULT, WORKSPACE, create_account
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

PEOPLE = {"analyst": "wang", "officer": "lin", "buyer": "chen", "operator": "he", "auditor": "xu"}
UNHEARD = {400, 401, 404, 405, 406, 413, 422}
"""What a request gets that is refused before anybody asks who sent it, or because nobody did."""

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One of its own, because officers' requests are sent that end grants; with people of every role."""
    with asked_vault(postgres, template, s3) as made, made.start():
        with made.story.database.transaction() as tx:
            for role in ("buyer", "operator", "auditor"):
                create_account(
                    tx,
                    account_id=PEOPLE[role],
                    display_name=role,
                    organisation="hbpu",
                    roles=[role],
                    by="system",
                )
        yield made


@pytest.fixture(scope="module")
def known(vault: AskedVault) -> Mapping[str, Mapping[str, Any]]:
    """What there is: a dataset, its grant, an answer, and a run that was cancelled."""
    dataset, grant = vault.dataset()
    wang = vault.person("wang")
    answer = wang.answer(f"SELECT COUNT(*) AS n FROM {dataset}", epsilon="0.05")
    run = wang.send(
        "POST", "/v1/runs", json={"name": "a run", "files": {"main.py": "pass"}, "inputs": [dataset]}
    ).json()
    assert wang.send("POST", f"/v1/runs/{run['id']}/cancel").status_code == 200
    return {
        "/v1/answers/": {"number": answer["answer_id"]},
        "/v1/datasets/": {"name": dataset},
        "/v1/requests/": {"number": grant.request},
        "/v1/grants/": {"number": grant.id},
        "/v1/runs/": {"number": run["id"], "path": "table.csv"},
        "/v1/log/": {"index": 3},
    }


@pytest.mark.parametrize("mode", MODES)
def test_the_vault_answers_generated_requests_as_described(
    mode: GenerationMode, vault: AskedVault, known: Mapping[str, Mapping[str, Any]]
) -> None:
    """No 5xx, and no status, content type or document that is not described."""

    def bearer(person: str, audience: str = VAULT) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {vault.token(person, audience)}"}

    roles = {role: lambda person=person: bearer(person) for role, person in PEOPLE.items()}
    roles |= {"workspace": lambda: bearer("wang", WORKSPACE), "stranger": dict}
    got = statuses_by_role(Callers("vault", vault.url, roles, known), mode)
    assert got["stranger"] <= {200, *UNHEARD} and 401 in got["stranger"], got
    if mode is GenerationMode.POSITIVE:
        assert {200, 404} <= got["analyst"] and {200, 404} <= got["officer"] and 403 in got["buyer"], got


@pytest.mark.parametrize("mode", MODES)
def test_the_kernels_socket_answers_generated_requests_as_described(
    mode: GenerationMode, vault: AskedVault, known: Mapping[str, Mapping[str, Any]]
) -> None:
    def bearer(person: str, audience: str = KERNEL) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {vault.token(person, audience)}"}

    roles = {role: lambda person=person: bearer(person) for role, person in PEOPLE.items() if role != "buyer"}
    roles |= {"another's token": lambda: bearer("wang", VAULT), "stranger": dict}
    session = over_socket(vault.home / "run" / "vault" / "vault.sock")
    nobodies = ("another's token", "stranger")
    callers = Callers("kernel", "http://vault", roles, known, nobodies=nobodies, session=session)
    got = statuses_by_role(callers, mode)
    for nobody in nobodies:  # what was announced of competitions needs no account
        assert got[nobody] <= {200, *UNHEARD} and 401 in got[nobody], got
    if mode is GenerationMode.POSITIVE:
        assert {200, 404} <= got["analyst"], got
