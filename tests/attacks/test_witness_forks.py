"""What a log, or whoever stands between, tries on its witnesses; and what others try on the log.

Source: the rules of c2sp.org/tlog-witness, each as an attack on it (2026-12).
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from sandbox.audit import Event, Log, NotProven, Signer, append
from sandbox.audit.cosignatures import WitnessKey, cosign
from sandbox.audit.log import OFFERED_SECONDS
from sandbox.audit.note import Checkpoint, sign_note, split_note
from sandbox.audit.tree import Growth, hash_leaf
from sandbox.audit.witness_policy import Group, WitnessPolicy, parse_witness_policy
from sandbox.audit.witnessed_receipts import renewed, require_witnesses
from sandbox.client.log_api import LogApi
from sandbox.database import Database
from sandbox.errors import CihuError, Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from sandbox.witness import LogForked, WitnessState, create_witness, verify_evidence, witness_round
from sandbox.witness.round import StaleCheckpoint
from sandbox.witness.state import StateLost

NAME = "audit.example/witness"


@dataclass
class Shown:
    """The log's API as a witness sees it. `note`, `proof`: what is shown instead of the truth."""

    log: Log
    note: str = ""
    proof: list[str] | None = None
    submitted: int = 0

    def checkpoint_to_cosign(self) -> str:
        return self.note or self.log.checkpoint()

    def consistency(self, first: int, second: int) -> list[str]:
        return self.log.consistency(first, second) if self.proof is None else self.proof

    def submit(self, note: str) -> None:
        self.submitted += 1
        self.log.accept_cosignatures(note)


@dataclass
class Scene:
    log: Log
    shown: Shown
    state: WitnessState

    def grow(self, count: int = 3) -> None:
        with self.log.database.transaction() as tx:
            for number in range(count):
                append(tx, Event(kind="query.asked", actor="wang", subject=f"query:{number}"))

    def forged(self, size: int) -> str:
        """A checkpoint of another history with the log's own signature."""
        growth = Growth()
        for number in range(size):
            growth.add(hash_leaf(f"another {number}".encode()))
        checkpoint = Checkpoint(self.log.origin, size, growth.root())
        return sign_note(str(checkpoint), self.log.origin, self.log.signer.key)

    def round(self) -> int:
        return witness_round(self.state, self.shown).size


def known(log: Log, *keys: WitnessKey) -> None:
    names = {f"w{place}": key for place, key in enumerate(keys)}
    log.policy = WitnessPolicy(witnesses=names, quorum="w0")


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Scene:
    log = Log(database, Signer(tmp_path / "log"))
    state = create_witness(tmp_path / "witness", name=NAME, log="http://log.example/", log_key=log.public_key)
    known(log, state.public_key)
    made = Scene(log, Shown(log), state)
    made.grow()
    return made


def fork_of(scene: Scene) -> str:
    """What the evidence proves, of the fork that the next round must find."""
    submitted = scene.shown.submitted
    with pytest.raises(LogForked) as found:
        scene.round()
    assert scene.shown.submitted == submitted
    with pytest.raises(LogForked, match="found before"):
        scene.round()
    return verify_evidence(json.loads(found.value.evidence.read_text()), scene.log.public_key)


def test_a_witness_follows_a_log_that_grows_and_its_receipts_say_so(scene: Scene) -> None:
    sizes = [scene.round()]
    scene.grow()
    sizes += [scene.round(), scene.round()]  # the same size again, with a newer time or the same
    assert sizes == [4, 7, 7]
    standing = scene.log.witnesses()[0]
    assert standing.size == 7 and standing.time is not None and abs(standing.time - time.time()) < 600
    receipt = scene.log.receipt(5, opening=True)
    scene.grow()
    assert scene.log.receipt(5, opening=True) == receipt  # under the checkpoint that is witnessed
    by = require_witnesses(receipt, scene.log.public_key, scene.log.policy, [])
    assert [each.key.name for each in by] == [NAME]
    assert scene.log.checkpoint().count("\N{EM DASH}") == 1
    fresh = scene.log.receipt(9, opening=True)
    with pytest.raises(NotProven, match="not witnessed"):
        require_witnesses(fresh, scene.log.public_key, scene.log.policy, [])
    scene.round()
    newer = renewed(fresh, scene.log.receipt)
    assert newer["opening"] == fresh["opening"] and newer["checkpoint"] != fresh["checkpoint"]
    assert require_witnesses(newer, scene.log.public_key, scene.log.policy, [str(scene.state.public_key)])
    assert scene.log.checkpoint() == scene.log.witnessed_checkpoint()


def test_two_trees_of_one_size_are_found_and_proved(scene: Scene) -> None:
    size = scene.round()
    scene.shown.note = scene.forged(size)
    assert "two different trees" in fork_of(scene)


def test_a_longer_log_of_another_history_is_found(scene: Scene) -> None:
    scene.round()
    scene.shown.note, scene.shown.proof = scene.forged(9), []
    assert "proves nothing" in fork_of(scene)


def test_a_database_that_was_rolled_back_is_found(scene: Scene) -> None:
    """The key's own memory stops the log; a thief of the key signs all the same."""
    scene.grow()
    scene.round()
    with scene.log.database.transaction() as tx:
        tx.execute(text("DELETE FROM log.openings WHERE index >= 5"))
        tx.execute(text("DELETE FROM log.entries WHERE index >= 5"))
    scene.shown.note = scene.forged(5)
    assert "gave no proof" in fork_of(scene)


def test_a_replayed_checkpoint_is_refused_and_is_no_evidence(scene: Scene) -> None:
    old = scene.log.checkpoint()
    scene.grow()
    scene.round()
    scene.shown.note = old
    with pytest.raises(StaleCheckpoint):
        scene.round()
    assert scene.state.evidence() is None
    scene.shown.note = ""
    assert scene.round() == 7


def test_a_checkpoint_of_another_key_is_not_looked_at(scene: Scene, tmp_path: Path) -> None:
    scene.shown.note = sign_note(
        split_note(scene.log.checkpoint())[0], scene.log.origin, Ed25519PrivateKey.generate()
    )
    with pytest.raises(NotProven, match="not signed by"):
        scene.round()
    assert scene.state.evidence() is None and scene.shown.submitted == 0


def test_a_witness_without_its_memory_is_silent_until_it_is_restored(scene: Scene) -> None:
    scene.round()
    note, _ = scene.state.last() or ("", None)
    scene.grow()
    scene.round()
    newest, _ = scene.state.last() or ("", None)
    (scene.state.folder / "last").unlink()
    with pytest.raises(StateLost):
        scene.round()
    with pytest.raises(NotProven, match="no cosignature"):
        scene.state.restore(f"{note.rpartition(chr(10) + chr(0x2014))[0]}\n")
    scene.state.restore(newest)
    with pytest.raises(Conflict, match="remembers 7"):
        scene.state.restore(note)
    assert scene.round() == 7
    (scene.state.folder / "last").write_text("spoilt")
    with pytest.raises(StateLost):
        scene.round()
    (scene.state.folder / "witness.pem").unlink()
    with pytest.raises(StateLost, match="key"):
        WitnessState(scene.state.folder)


def test_a_witness_remembers_before_its_cosignature_leaves(scene: Scene) -> None:
    def cut_off(_: str) -> None:
        raise RuntimeError("the machine was switched off")

    scene.shown.submit = cut_off  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        scene.round()
    assert (scene.state.last() or ("", None))[0]
    scene.shown.note = scene.forged(4)
    assert "two different trees" in fork_of(scene)


def test_two_rounds_at_once_are_one(scene: Scene) -> None:
    with scene.state.locked(), pytest.raises(Conflict, match="Another"):
        scene.round()


def cosigned(scene: Scene, note: str, *, key: Ed25519PrivateKey | None = None, at: int | None = None) -> str:
    made = cosign(split_note(note)[0], NAME, key or scene.state.key, time=at or int(time.time()))
    return note + made.line


def test_the_log_keeps_no_cosignature_that_it_should_not(scene: Scene) -> None:
    old = scene.log.checkpoint()
    scene.grow()
    new = scene.log.checkpoint()
    refused: list[tuple[str, type[Exception]]] = [
        (cosigned(scene, new, key=Ed25519PrivateKey.generate()), Forbidden),  # the name alone is nothing
        (new, Forbidden),
        (cosigned(scene, new)[:-9] + "AAAAAAA=\n", NotProven),
        (cosigned(scene, new, at=int(time.time()) + 3600), InvalidInput),
        (cosigned(scene, scene.forged(7)), Conflict),
        (cosigned(scene, scene.forged(99)), Conflict),
        (cosigned(scene, new.replace(scene.log.origin, "other.example")), NotProven),
        ("not a note", NotProven),
        ("\ud800\n\n\N{EM DASH} x AAAA\n", NotProven),
    ]
    for note, error in refused:
        with pytest.raises(error):
            scene.log.accept_cosignatures(note)
    assert scene.log.witnesses()[0].size is None
    with pytest.raises(NotFound):
        scene.log.witnessed_checkpoint()
    scene.log.accept_cosignatures(cosigned(scene, new))
    with pytest.raises(Conflict, match="co-signed 7"):
        scene.log.accept_cosignatures(cosigned(scene, old))


def test_who_writes_the_table_forges_no_witness(scene: Scene) -> None:
    scene.round()
    scene.grow()
    note = scene.log.checkpoint()
    forged = cosign(split_note(note)[0], NAME, Ed25519PrivateKey.generate(), time=9).line
    with scene.log.database.transaction() as tx:
        tx.execute(
            text("INSERT INTO log.cosignatures VALUES (7, :id, :key, 9, :line, now())"),
            {
                "id": scene.log.signer.public_key.key_id.hex(),
                "key": str(scene.state.public_key),
                "line": forged,
            },
        )
    assert split_note(scene.log.witnessed_checkpoint())[0].split("\n")[1] == "4"
    assert forged not in scene.log.checkpoint()
    assert scene.log.witnesses()[0].size == 4, "what is forged does not stand as the witness's last"
    assert scene.round() == 7


def rows_of(scene: Scene) -> int:
    with scene.log.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM log.cosignatures")).scalar_one())


def test_a_witness_that_runs_often_or_signs_many_times_fills_no_table(scene: Scene) -> None:
    note, now = scene.log.checkpoint(), int(time.time())
    for at in (now - 9000, now - 9001, now - 8700, now - 8000, *range(now - 9000, now - 8950)):
        scene.log.accept_cosignatures(cosigned(scene, note, at=at))
    assert rows_of(scene) == 2
    assert scene.log.witnesses()[0].time == now - 8000


def test_one_witness_alone_does_not_hide_what_the_quorum_witnessed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.audit.cosigned.MOST_LOOKED_AT", 3)
    second = Ed25519PrivateKey.generate()
    names = {
        "w0": scene.state.public_key,
        "w1": WitnessKey("w1.example", second.public_key().public_bytes_raw()),
    }
    scene.log.policy = WitnessPolicy(witnesses=names, groups={"both": Group(2, ("w0", "w1"))}, quorum="both")
    size = scene.round()
    note = scene.log.checkpoint()
    scene.log.accept_cosignatures(
        note + cosign(split_note(note)[0], "w1.example", second, time=int(time.time())).line
    )
    for _ in range(4):
        scene.grow(1)
        scene.round()
    assert split_note(scene.log.witnessed_checkpoint())[0].split("\n")[1] == str(size)


@dataclass
class At(Shown):
    """The same at a moment: the checkpoint that the log offers then."""

    now: datetime = datetime.min

    def checkpoint_to_cosign(self) -> str:
        return self.log.checkpoint_to_cosign(now=self.now)


def test_two_witnesses_who_look_at_different_moments_meet_at_one_size(scene: Scene, tmp_path: Path) -> None:
    other = create_witness(
        tmp_path / "other", name="w1.example", log="http://log.example/", log_key=scene.log.public_key
    )
    names = {"w0": scene.state.public_key, "w1": other.public_key}
    scene.log.policy = WitnessPolicy(witnesses=names, groups={"both": Group(2, ("w0", "w1"))}, quorum="both")
    first = datetime.now(UTC)
    sizes = []
    for window in range(3):
        source = At(scene.log, now=first + timedelta(seconds=OFFERED_SECONDS * window))
        sizes.append(witness_round(scene.state, source).size)
        scene.grow()
        assert scene.log.checkpoint() != source.checkpoint_to_cosign()  # somebody had the log signed between
        assert witness_round(other, source).size == sizes[-1]
        assert split_note(scene.log.witnessed_checkpoint())[0].split("\n")[1] == str(sizes[-1])
    assert sizes == sorted(set(sizes))
    scene.log.offered = None  # as after a restart, in the first window
    began = Log(scene.log.database, scene.log.signer, scene.log.policy)
    assert split_note(began.checkpoint_to_cosign(now=first))[0].split("\n")[1] == str(sizes[0])


def test_a_log_that_offers_no_checkpoint_is_witnessed_at_its_newest() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/log/checkpoint":
            return httpx.Response(200, text="a note")
        return httpx.Response(404, json={"code": "not_found", "detail": "Not here.", "status": 404})

    source = LogApi("http://log.example")
    source._client = httpx.Client(transport=httpx.MockTransport(answer))
    assert source.checkpoint_to_cosign() == "a note"


def test_what_a_witness_is_told_has_both_languages(scene: Scene, tmp_path: Path) -> None:
    errors: list[CihuError] = []
    receipt = scene.log.receipt(2)
    scene.round()
    for attempt in (
        lambda: WitnessState(tmp_path / "nowhere"),
        lambda: parse_witness_policy("witness a b\n"),
        lambda: parse_witness_policy("log\n"),
        lambda: require_witnesses(receipt, scene.log.public_key, scene.log.policy, []),
        lambda: verify_evidence({}, scene.log.public_key),
    ):
        with pytest.raises(CihuError) as raised:
            attempt()
        errors.append(raised.value)
    scene.shown.note = scene.forged(4)
    with pytest.raises(LogForked) as forked:
        scene.round()
    for error in (*errors, forked.value):
        assert error.words("zh")[0] != error.words("en")[0], error


def test_a_refusal_that_is_not_the_logs_is_no_fork(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.round()
    scene.grow()

    def refused(first: int, second: int) -> list[str]:
        raise InvalidInput("x")  # as a proxy's 422 is read

    monkeypatch.setattr(scene.shown, "consistency", refused)
    with pytest.raises(Unavailable):
        scene.round()
    assert scene.state.evidence() is None
    monkeypatch.undo()
    assert scene.round() == 7


@pytest.mark.parametrize(
    "body", ["{}", "[]", '{"proof": null}', '{"proof": [1]}', '{"key": 3}', "{", '"text"', "null"]
)
@pytest.mark.parametrize("status", [200, 503, 422])
def test_an_answer_of_any_shape_is_no_traceback(body: str, status: int) -> None:
    source = LogApi("http://log.example")
    answer = httpx.Response(status, text=body, headers={"Content-Type": "application/json"})
    source._client = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    for ask in (source.key, lambda: source.consistency(1, 2)):
        with pytest.raises(CihuError):
            ask()


def test_a_witness_that_is_known_no_more_counts_no_more(scene: Scene) -> None:
    scene.round()
    known(scene.log, WitnessKey("new.example", bytes(32)))
    assert scene.log.witnesses()[0].size is None
    with pytest.raises(NotFound):
        scene.log.witnessed_checkpoint()
