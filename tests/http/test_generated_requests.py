"""Whatever fits the description may be sent, and what does not: the vault answers as it is described.

Source: Z. Hatfield-Dodds and D. Dygalo, "Deriving semantics-aware fuzzers from web API schemas" (2022), whose
Schemathesis makes the requests here: a few for each operation, the same ones each time.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from asked_vault import AskedVault, asked_vault
from described_api import OPENAPI, described
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server

EXAMPLES = 5
ROLES = {"analyst": "wang", "officer": "lin"}


@pytest.fixture(scope="module")
def vault(postgres: Postgres, template: str, s3: S3Server) -> Iterator[AskedVault]:
    """One of its own, because officers' requests are sent that end grants; with a dataset and a grant."""
    with asked_vault(postgres, template, s3) as made, made.start():
        made.dataset()
        yield made


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("role", ROLES)
def test_the_vault_answers_generated_requests_as_described(
    role: str, mode: GenerationMode, vault: AskedVault
) -> None:
    """No 5xx, and no status, content type or document that is not described."""
    asker = vault.person(ROLES[role])
    schema = schemathesis.openapi.from_dict(json.loads((OPENAPI / "vault.json").read_text("utf-8")))
    sent: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        has_input = operation.definition.raw.keys() & {"parameters", "requestBody"}
        if mode is GenerationMode.NEGATIVE and not has_input:
            continue  # nothing of it could be wrong

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answer(case: Any) -> None:
            got = case.call(base_url=vault.url, headers={"Authorization": f"Bearer {asker.token}"})
            path = urlsplit(got.request.url).path
            headers = {name.lower(): values[0] for name, values in got.headers.items()}
            if described("vault").operation(case.method, path) is None:
                assert got.status_code in {404, 405}, (case.method, path, got.status_code)
                return
            sent.setdefault(case.operation.label, set()).add(got.status_code)
            described("vault").check(case.method, path, got.status_code, headers, got.content)
            assert got.status_code < 500, got.content

        answer()
    assert len(sent) > (40 if mode is GenerationMode.POSITIVE else 25), sent
