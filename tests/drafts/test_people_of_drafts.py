"""Colleagues work on a draft, and what is no longer needed is removed."""

import secrets
import uuid

import pytest
from sqlalchemy import insert, select

from asked_vault import AskedVault, Asker
from drafts.test_drafts import answered, csv_of, drafted, published, upload, visits
from sandbox.drafts.files import FOLDER, sweep_files
from sandbox.drafts.tables import draft_files
from sandbox.identity.accounts import create_account
from sandbox.storage import RawStore


@pytest.fixture
def colleague(asked: AskedVault) -> Asker:
    """Another officer of lin's department."""
    name = f"sun-{secrets.token_hex(3)}"
    with asked.story.database.transaction() as tx:
        create_account(
            tx, account_id=name, display_name=name, organisation="health", roles=["officer"], by="system"
        )
    return asked.person(name)


def test_a_dataset_of_grade_4_is_published_by_two(asked: AskedVault, colleague: Asker) -> None:
    lin = asked.person("lin")
    file = upload(lin, csv_of(visits(30)).encode(), "v.csv")
    draft = answered(lin, drafted(lin, file), dataset="health.v4", grade="4")
    assert draft["needs_second_person"]
    path, at = f"/v1/drafts/{draft['id']}", {"revision": draft["revision"]}
    assert lin.send("POST", f"{path}/publish", json=at).json()["code"] == "second_person_needed"
    assert lin.send("POST", f"{path}/agree", json=at).json()["code"] == "own_draft"
    agreed = colleague.send("POST", f"{path}/agree", json=at).json()
    assert agreed["second_person"] == colleague.send("GET", "/v1/me").json()["id"]
    later = answered(lin, agreed, update_cycle="monthly")
    assert "second_person" not in later, "a later revision needs them anew"
    at = {"revision": later["revision"]}
    assert colleague.send("POST", f"{path}/agree", json=at).status_code == 200
    assert published(lin, later)["version"] == 1


def test_a_draft_is_handed_to_a_colleague_with_its_file(asked: AskedVault, colleague: Asker) -> None:
    lin, name = asked.person("lin"), colleague.send("GET", "/v1/me").json()["id"]
    file = upload(lin, csv_of(visits(30)).encode(), "v.csv")
    draft = drafted(lin, file)
    path = f"/v1/drafts/{draft['id']}/hand-over"
    for nobody in ("wang", "no-such-account"):
        assert lin.send("POST", path, json={"to": nobody}).status_code == 422
    given = lin.send("POST", path, json={"to": name, "note": "please go on"}).json()
    assert given["owner"] == name and given["revisions"][-1]["note"] == f"handed to {name}. please go on"
    rows = f"/v1/uploads/{file['id']}/rows"
    assert colleague.send("GET", rows).status_code == 200 and lin.send("GET", rows).status_code == 404
    assert published(colleague, answered(colleague, given, **{"title.en": "Visits"}))["rows"] == 30


def test_the_same_file_is_recognised_and_not_told_to_another_department(asked: AskedVault) -> None:
    """Whoever could ask whether bytes were published would ask with one person in them and without."""
    lin = asked.person("lin")
    body = csv_of(visits(25)).encode()
    first = upload(lin, body, "a.csv")
    assert not first["known"]
    published(lin, drafted(lin, first))
    assert upload(lin, body, "b.csv")["known"]
    assert not upload(asked.person("zhou"), body, "b.csv")["known"]


def test_a_colleague_learns_no_cell_by_reading_the_file_in_ways_of_their_own(
    asked: AskedVault, colleague: Asker
) -> None:
    """A row that is taken for the header would be told as names; a policy could ask for one person's value
    and see by the count of what does not fit whether it is there."""
    lin = asked.person("lin")
    draft = drafted(lin, upload(lin, csv_of(visits(30)).encode(), "v.csv"))
    path, at = f"/v1/drafts/{draft['id']}", {"revision": draft["revision"]}
    again = at | {"format": {"header_row": 3}}
    for operation, body in (("inspect", again), ("publish", at), ("hand-over", {"to": "lin"})):
        refused = colleague.send("POST", f"{path}/{operation}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "file_of_another"), operation
    theirs = colleague.send("GET", path).json()
    assert theirs["rows"] == 50 and not any(one["from_rows"] for one in theirs["suggestions"])
    assert draft["rows"] == 30 and any(one["from_rows"] for one in draft["suggestions"])


def test_what_a_crash_left_of_an_upload_is_removed_at_the_next_start(asked: AskedVault) -> None:
    """An upload is recorded before its object is stored: it can be cut off between the two, and after."""
    store: RawStore = asked.story.store
    names = [f"{FOLDER}/{uuid.uuid4()}" for _ in range(2)]
    with asked.story.database.transaction() as tx:
        for name in names:
            tx.execute(
                insert(draft_files).values(
                    id=uuid.uuid4(),
                    name="x",
                    object_name=name,
                    state="storing",
                    department="health",
                    uploaded_by="lin",
                )
            )
    store.put(names[1], b"a,b\n1,2\n")
    cut_off = store.client._create_multipart_upload(store.bucket, names[0], {})
    store.client._upload_part(store.bucket, names[0], b"a,b\n", {}, cut_off, 1)
    kept = upload(asked.person("lin"), b"a,b\n1,2\n", "kept.csv")
    assert sweep_files(asked.story.database, store) == 2
    assert not store.versions(names[1])
    assert not store.client._list_multipart_uploads(store.bucket, prefix=FOLDER).uploads
    with asked.story.database.transaction() as tx:
        states = dict(tx.execute(select(draft_files.c.object_name, draft_files.c.state)).all())
    assert {states[name] for name in names} == {"removed"}
    assert states[f"{FOLDER}/{kept['id']}"] == "stored"
