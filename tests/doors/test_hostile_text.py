"""No text that anybody sends to the vault is a failure of the vault:
it is taken, or refused with what is wrong."""

import resource

from asked_vault import AskedVault, asked_vault
from hostile_text import requests
from sandbox.standalone.postgres import Postgres
from sandbox.standalone.s3 import S3Server
from story import POLICY, rows_csv

LARGEST_FILE = 512 * 1024


def test_no_text_in_any_field_is_a_failure_of_the_vault(asked: AskedVault) -> None:
    document = asked.person("lin").client.get("/openapi.json").json()
    dataset, _ = asked.dataset()
    people, failed, count = [asked.person("lin"), asked.person("wang")], [], 0
    for sent in requests(document):
        person = (
            people[0]
            if "datasets" in sent.path or "approve" in sent.path or "refuse" in sent.path
            else people[1]
        )
        headers = {"Authorization": f"Bearer {person.token}", "Content-Type": "application/json"}
        path = sent.path.replace("clinic.visits", dataset)
        answer = person.client.request(sent.method, path, content=sent.body, headers=headers)
        count += 1
        if answer.status_code >= 500:
            failed.append((sent.method, sent.path[:60], sent.field, answer.status_code, answer.text[:100]))
    assert count > 300
    assert not failed


def test_a_policy_with_a_nul_or_a_broken_surrogate_is_refused(asked: AskedVault) -> None:
    for text in (r'"no\0rth"', r'"no\uD800rth"', "no\0rth"):
        told = asked.publish(
            POLICY.replace("clinic.visits", "clinic.hostile").replace("[north,", f"[{text},"), rows_csv(5)
        )
        assert told.status_code == 422 and told.json()["remedy"], told.text


def test_an_upload_never_needs_a_file(postgres: Postgres, template: str, s3: S3Server) -> None:
    """Beyond the megabyte at which forms are usually spooled to a temporary file:
    no file of this vault may grow so large."""
    rows = rows_csv(20_000)
    assert len(rows) > 2 * LARGEST_FILE
    with asked_vault(postgres, template, s3) as vault, vault.start() as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        told = vault.publish(POLICY, rows)
        assert told.status_code == 201, told.text
