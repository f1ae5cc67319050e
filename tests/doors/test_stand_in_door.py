"""Who gets stand-in rows, at which door, and at what price?
Whoever may see the dataset, at both, for nothing."""

import io

import pyarrow.parquet

from asked_vault import AskedVault, Asker
from sandbox.catalog import Version
from sandbox.catalog.policy_file import read_policy
from sandbox.catalog.stand_in import mark, marked_parquet, stand_in
from story import POLICIES, POLICY


def fetched(asker: Asker, dataset: str) -> bytes:
    answer = asker.send("GET", f"/v1/datasets/{dataset}/stand-in")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert f'filename="{dataset}@1.stand-in.parquet"' in answer.headers["content-disposition"]
    return answer.content


def test_everybody_gets_the_same_rows_at_both_doors_and_nothing_is_spent(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    before = asked.spent(grant)
    bodies = [
        fetched(asker, dataset)
        for asker in (
            asked.person("wang"),
            asked.kernel("song"),
            asked.person("qin"),
            asked.person("lin"),
            asked.person("wang"),
        )
    ]
    assert len(set(bodies)) == 1
    assert pyarrow.parquet.read_table(io.BytesIO(bodies[0])).num_rows == 1000, (
        "about_rows of the policy, not the rows there are"
    )
    assert asked.spent(grant) == before


def test_what_the_vault_hands_out_follows_from_the_policy_alone(asked: AskedVault) -> None:
    """Anybody with the policy's text makes the same bytes, without any vault."""
    dataset, _ = asked.dataset()
    version = asked.story.repository.current(dataset)
    policy = read_policy(POLICY.replace("clinic.visits", dataset), schema=POLICIES / "dataset.schema.json")
    alone = Version(dataset, 1, policy, "", "", "", "", version.published_at)
    assert fetched(asked.kernel("wang"), dataset) == marked_parquet(stand_in(alone), mark(alone))


def test_hidden_columns_are_not_even_invented(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    body = fetched(asked.person("wang"), dataset)
    assert b"secret" not in body


def test_who_is_not_logged_in_gets_none_and_a_dataset_that_is_not_there_is_named(asked: AskedVault) -> None:
    dataset, _ = asked.dataset()
    assert (
        Asker(asked.person("wang").client, "no.real.token")
        .send("GET", f"/v1/datasets/{dataset}/stand-in")
        .status_code
        == 401
    )
    answer = asked.kernel("wang").send("GET", "/v1/datasets/clinic.nothing/stand-in")
    assert answer.status_code == 404 and answer.json()["code"] == "dataset_not_found"
