"""A run's package: whole, signed, verified offline, and silent about reviewers to its team.

No validator of RO-Crate runs here. roc-validator 0.13.0 (PyPI) has a mode without a network, but it
reads the JSON-LD context of RO-Crate 1.1 from w3id.org first, or from a cache that was filled
there. Without it, it says that the context cannot be retrieved, and looks at nothing else. No
package was found that carries this context: rocrate 0.16.0 has that of version 1.3.
"""

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from reviewed_runs import TABLE, Reviewing, declared, refusal
from sandbox.audit import Log
from sandbox.audit.note import NotProven
from sandbox.audit.signer import Signer
from sandbox.errors import CihuError, NotFound
from sandbox.reviews.run_package import package_for_officer, package_for_team
from sandbox.reviews.verify_package import METADATA, SIGNATURE, statement, verify_package


@pytest.fixture
def log(city: Reviewing, tmp_path: Path) -> Log:
    return Log(city.context.database, Signer(tmp_path / "key"))


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


def test_a_package_is_whole_verifies_offline_and_no_change_does(city: Reviewing, log: Log) -> None:
    run = city.finished()
    review = city.asked(run=run)
    with pytest.raises(NotFound, match="no decided review"):
        package_for_team(city.context, log, principal=city.principal("song"), run=run.id)
    for officer in ("lin", "zhou"):
        city.votes(review, officer)
    made = package_for_team(city.context, log, principal=city.principal("song"), run=run.id)
    proven = verify_package(made, log.public_key)
    assert proven.outcome == "released" and proven.receipts == 1
    parts = parts_of(made)
    assert parts["outputs/table.csv"] == TABLE and parts["program/main.py"] == b"pass"
    said = b"".join(parts.values()).decode()
    assert (
        "clinic.visits" in said and "lin" not in said.replace("clinic", "").split('"') and "zhou" not in said
    )
    assert not any(text in said for text in ("note.txt", "exit.json")), "only what was asked for"
    for changed in (
        parts | {"outputs/table.csv": TABLE + b"east,5\n"},
        parts | {"outputs/more.csv": b"x"},
        {name: content for name, content in parts.items() if name != "review.json"},
        parts | {METADATA: parts[METADATA].replace(b"clinic", b"clinix")},
        parts | {SIGNATURE: Log(city.context.database, log.signer).checkpoint().encode()},
    ):
        with pytest.raises(NotProven):
            verify_package(zipped(changed), log.public_key)
    with pytest.raises(NotProven):
        verify_package(b"PK", log.public_key)


def test_a_packages_metadata_is_an_ro_crate_whose_every_link_leads_somewhere(
    city: Reviewing, log: Log
) -> None:
    """RO-Crate 1.1, 2.1 to 4.2: what a descriptor, a root and a file must and should say."""
    review = city.asked()
    for officer in ("lin", "zhou"):
        city.votes(review, officer)
    parts = parts_of(package_for_officer(city.context, log, officer=city.principal("zhou"), review=review.id))
    document = json.loads(parts[METADATA])
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    entities = {one["@id"]: one for one in document["@graph"]}
    assert len(entities) == len(document["@graph"]), "each has an address of its own"
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert descriptor["@type"] == "CreativeWork" and descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["conformsTo"] == {"@id": "https://w3id.org/5s-crate/0.4"} and datetime.fromisoformat(
        root["datePublished"]
    )
    assert all(root[said] for said in ("name", "description", "license", "author"))

    def links(value: object) -> list[str]:
        if isinstance(value, dict) and set(value) == {"@id"}:
            return [value["@id"]]
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [link for one in inner for link in links(one)]

    outside = {"https://w3id.org/ro/crate/1.1"}
    assert set(links(document["@graph"])) <= entities.keys() | outside
    held = {one["@id"] for one in root["hasPart"]}
    assert held == parts.keys() - {METADATA, SIGNATURE}
    assert entities["program/main.py"]["@type"] == ["File", "SoftwareSourceCode"], (
        "what a Process Run Crate's action has run"
    )
    assert all(
        "File" in entities[name]["@type"]
        and entities[name]["encodingFormat"]
        and entities[name]["contentSize"] == str(len(parts[name]))
        for name in held
    )


def test_officers_get_names_auditors_no_files_and_strangers_nothing(city: Reviewing, log: Log) -> None:
    review = city.asked(declared())
    city.votes(review, "lin", refusal())
    city.votes(review, "zhou", refusal())
    full = package_for_officer(city.context, log, officer=city.principal("zhou"), review=review.id)
    told = json.loads(parts_of(full)["review.json"])
    assert {one["reviewer"] for one in told["votes"]} == {"lin", "zhou"} and told["outcome"] == "refused"
    ours = json.loads(
        parts_of(package_for_team(city.context, log, principal=city.principal("wang"), run=review.run))[
            "review.json"
        ]
    )
    assert not any("reviewer" in one or "comment" in one for one in ours["votes"])
    assert all("message" not in one for found in ours["findings"].values() for one in found)
    with pytest.raises(CihuError):
        package_for_officer(city.context, log, officer=city.principal("wang"), review=review.id)


def test_what_begins_like_a_checkpoint_is_never_signed_as_a_statement(log: Log) -> None:
    with pytest.raises(ValueError, match="checkpoint"):
        log.sign_statement(f"{log.origin}\n5\nroot\n")
    assert statement(b"x").startswith("cihu.package/1\n")
