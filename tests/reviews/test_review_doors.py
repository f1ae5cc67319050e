"""Over the vault's doors: from a program to a released file, and every way in which a team might
reach quarantine before."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asked_vault import AskedVault, Asker
from sandbox.audit import verify_receipt
from sandbox.errors import Unavailable
from sandbox.standalone.s3 import S3Server
from sandbox.storage.bucket import Bucket
from sealed_runs import await_state, hand_in

PROGRAM = """
from pathlib import Path
Path("/outbox/deep").mkdir()
Path("/outbox/deep/table.csv").write_text("district,n\\nnorth,120\\n")
Path("/outbox/counts.csv").write_text("district,n\\nnorth,400\\n")
Path("/outbox/kept.csv").write_text("canarykept\\n")
Path("/outbox/a name with spaces.csv").write_text("n\\n")
print("canarylog")
"""
TABLE = b"district,n\nnorth,120\n"
WANTED = {
    "path": "deep/table.csv",
    "statbarn": "frequencies",
    "context": "visits by district",
    "controls": "no cell under 10",
    "counts": "counts.csv",
}
APPROVE = {"path": "deep/table.csv", "vote": "approve"}


@pytest.fixture(scope="module")
def run(asked: AskedVault) -> dict[str, Any]:
    dataset, _ = asked.dataset()
    return await_state(asked, hand_in(asked, PROGRAM, dataset), "finished")


def sent(asker: Asker, path: str, body: Any = None, status: int = 200) -> Any:
    said = asker.send(
        "POST" if body is not None else "GET", path, **({"json": body} if body is not None else {})
    )
    assert said.status_code == status, said.text
    return said.json()


def review_of(officer: Asker, run: dict[str, Any]) -> dict[str, Any]:
    (waiting,) = [one for one in sent(officer, "/v1/reviews") if one["run"] == run["id"]]
    return dict(sent(officer, f"/v1/reviews/{waiting['id']}"))


def test_from_the_run_to_the_file_that_its_team_reads(
    asked: AskedVault, run: dict[str, Any], tmp_path: Path
) -> None:
    wang, song, lin, zhou = (asked.person(name) for name in ("wang", "song", "lin", "zhou"))
    base = f"/v1/runs/{run['id']}"
    asked_for = sent(asked.kernel("wang"), f"{base}/release", {"files": [WANTED]}, status=201)
    assert asked_for["state"] == "open" and sent(song, f"{base}/release") == asked_for
    assert sent(wang, f"{base}/files") == {
        "run": run["id"],
        "state": "finished",
        "files": [],
        "receipt": None,
    }

    review = review_of(lin, run)
    assert review["program"]["files"]["main.py"] == PROGRAM and review["inputs"][0]["purpose"]
    assert review["files"][0]["left"] and review["files"][0]["counts_left"] and review["needed"] == 2
    assert review["not_asked_for"] == ["exit.json", "kept.csv", "log.txt"]
    shown = lin.send("GET", f"/v1/reviews/{review['id']}/files/deep/table.csv")
    assert shown.content == TABLE and shown.headers["content-type"] == "application/octet-stream"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert asked.kinds()[-1] == "file.viewed"
    ended = sent(lin, f"/v1/reviews/{review['id']}/ending")
    assert (ended["ended"], ended["status"], ended["why"], ended["recipes"]) == ("itself", 0, "", {})
    assert ended["log"] == "canarylog\n" and [each["code"] for each in ended["findings"]] == ["text_seen"]
    (left_out,) = ended["left_out"]
    assert left_out["path"] == "a name with spaces.csv" and "letters" in left_out["why"]
    assert asked.kinds()[-1] == "file.viewed", "a log can say what the rows say"

    votes = {"revision": review["revision"], "votes": [APPROVE]}
    assert sent(lin, f"/v1/reviews/{review['id']}/votes", votes)["voted"]
    assert review_of(zhou, run)["votes"] == []
    done = sent(zhou, f"/v1/reviews/{review['id']}/votes", votes)
    assert (done["state"], done["outcome"], len(done["votes"])) == ("decided", "released", 2)

    got = sent(asked.kernel("song"), f"{base}/files")
    assert got["state"] == "released" and [one["path"] for one in got["files"]] == ["deep/table.csv"]
    file = asked.kernel("song").send("GET", f"{base}/files/deep/table.csv")
    assert file.content == TABLE and file.headers["x-content-type-options"] == "nosniff"
    proven = verify_receipt(got["receipt"], asked.log().public_key)
    assert proven.kind == "output.released" and proven.actor == "vault"
    assert proven.payload and proven.payload["files"] == got["files"] and proven.payload["reviewers"] == 2
    (tmp_path / "receipt.json").write_text(json.dumps(got["receipt"]))
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "sandbox.cli",
            "audit",
            "verify",
            str(tmp_path / "receipt.json"),
            "--key",
            asked.log().public_key,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0 and "output.released" in said.stdout, said.stderr
    for path in ("counts.csv", "kept.csv", "log.txt", "exit.json"):
        assert song.send("GET", f"{base}/files/{path}").status_code == 404, (
            "what was not asked for stays where it is"
        )
    assert asked.log().verify_whole().faults == ()


def test_no_door_leads_a_team_to_quarantine(asked: AskedVault, s3: S3Server) -> None:
    dataset, _ = asked.dataset()
    run = await_state(asked, hand_in(asked, PROGRAM, dataset), "finished")
    sent(asked.person("wang"), f"/v1/runs/{run['id']}/release", {"files": [WANTED]}, status=201)
    review = review_of(asked.person("lin"), run)
    askers = [door(name) for name in ("wang", "song", "qin", "li") for door in (asked.person, asked.kernel)]
    for asker in askers:
        for path in (
            "deep/table.csv",
            "counts.csv",
            "kept.csv",
            "log.txt",
            "exit.json",
            "deep%2Ftable.csv",
            "..%2F..%2Fdeep/table.csv",
        ):
            for address in (f"/v1/reviews/{review['id']}/files/{path}", f"/v1/runs/{run['id']}/files/{path}"):
                said = asker.send("GET", address)
                assert said.status_code in (403, 404), (address, said.status_code)
                assert "canary" not in said.text and "north" not in said.text
        for address in (f"/v1/reviews/{review['id']}", f"/v1/reviews/{review['id']}/ending"):
            said = asker.send("GET", address)
            assert said.status_code in (403, 404) and "canary" not in said.text
        reviews = asker.send("GET", "/v1/reviews")
        assert reviews.text == "[]" or (reviews.status_code, reviews.json()["code"]) == (404, "http_404")
        votes = asker.send(
            "POST", f"/v1/reviews/{review['id']}/votes", json={"revision": 1, "votes": [APPROVE]}
        )
        assert votes.status_code in (403, 404)
        assert asker.send("GET", "/v1/reviews/statistics").status_code in (403, 404)
    for stranger in ("qin", "li"):
        for address in ("release", "files"):
            assert asked.person(stranger).send("GET", f"/v1/runs/{run['id']}/{address}").status_code == 404
    for address in ("release", "release/change", "release/withdraw"):
        body = {} if address.endswith("withdraw") else {"files": [WANTED]}
        assert (
            asked.person("qin").send("POST", f"/v1/runs/{run['id']}/{address}", json=body).status_code == 404
        )
    assert asked.kernel("lin").send("GET", f"/v1/reviews/{review['id']}").status_code == 404, (
        "officers review at the other door"
    )


def test_the_portals_keys_open_neither_quarantine_nor_what_was_released(
    asked: AskedVault, s3: S3Server
) -> None:
    written = s3.released_store().put("runs/x/table.csv", TABLE)
    for bucket in (s3.released_bucket, s3.quarantine_bucket):
        with pytest.raises(Unavailable, match="refuses these keys"):
            Bucket(s3.endpoint, s3.portal.access_key, s3.portal.secret_key, bucket).get(
                written.name, written.version_id
            )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": "x"},
        {"files": [{}]},
        {"files": [WANTED | {"more": 1}]},
        {"files": [WANTED | {"path": "../x"}]},
        {"files": [WANTED | {"context": "\u0000" * 20}]},
        {"files": [WANTED] * 200},
    ],
)
def test_what_cannot_be_asked_for_is_a_problem_and_no_failure(
    asked: AskedVault, run: dict[str, Any], body: Any
) -> None:
    said = asked.person("wang").send("POST", f"/v1/runs/{run['id']}/release", json=body)
    assert said.status_code == 422 and said.headers["content-type"] == "application/problem+json"


def test_all_that_is_wrong_with_a_request_is_told_at_once(asked: AskedVault, run: dict[str, Any]) -> None:
    body = {
        "files": [
            WANTED | {"path": "../x", "statbarn": "frequency"},
            WANTED | {"path": "b.csv", "context": "short", "controls": "none"},
        ]
    }
    said = asked.person("wang").send("POST", f"/v1/runs/{run['id']}/release", json=body)
    told = said.json()
    assert said.status_code == 422 and told["detail"].startswith("4 things are wrong"), told
    for part in ("'../x'", "'frequency'", "b.csv: the context", "b.csv: the controls"):
        assert part in told["detail"], told
    assert "frequencies" in told["remedy"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"revision": 1, "votes": []},
        {"revision": 1, "votes": [APPROVE | {"vote": "maybe"}]},
        {"revision": 1, "votes": [APPROVE | {"comment": "a\u0000b"}]},
    ],
)
def test_a_vote_that_is_none_is_a_problem_and_no_failure(asked: AskedVault, body: Any) -> None:
    nowhere = asked.person("lin").send(
        "POST", "/v1/reviews/00000000-0000-0000-0000-000000000000/votes", json=body
    )
    assert nowhere.status_code in (404, 422) and nowhere.headers["content-type"] == "application/problem+json"
    assert asked.person("lin").send("GET", "/v1/reviews/not-an-id").status_code == 422
