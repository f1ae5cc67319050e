"""One round of a witness: fetch, verify, remember, co-sign, hand in. The rules are those of
c2sp.org/tlog-witness; here the witness asks the log, because the log's service asks nobody."""

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sandbox.audit.cosignatures import cosign
from sandbox.audit.note import (
    NO_CONSISTENCY_PROOF,
    Checkpoint,
    NotProven,
    PublicKey,
    open_checkpoint,
    split_note,
)
from sandbox.audit.receipts import verify_growth
from sandbox.errors import Conflict, InvalidInput, Unavailable
from sandbox.witness.evidence import LogForked, Words, fork_evidence, verify_evidence
from sandbox.witness.state import WitnessState


class LogSource(Protocol):
    """The public API of a log. Each raises the log's refusal, and `Unavailable` if it cannot be reached."""

    def checkpoint_to_cosign(self) -> str: ...

    def consistency(self, first: int, second: int) -> Sequence[str]: ...

    def submit(self, note: str) -> None: ...


class Round(NamedTuple):
    """What was co-signed: so many entries, which continue the `before` that were co-signed last (0: none)."""

    size: int
    before: int
    note: str


FOUND_BEFORE = Words("a fork was found before.", "此前已发现分叉。")


class StaleCheckpoint(Conflict):
    """The log, or whoever stands between, showed an older checkpoint of the same history."""

    code = "checkpoint_stale"


def witness_round(state: WitnessState, source: LogSource) -> Round:
    """Co-sign the checkpoint that the log offers, if it continues the last one.

    What is co-signed is remembered before it is handed in, so that nothing that happens in between can make
    the witness contradict itself. Raises `LogForked` and keeps the evidence, `StaleCheckpoint`, `StateLost`,
    `NotProven` if the checkpoint is not the log's, and the log's own refusals.
    """
    with state.locked():
        found = state.evidence()
        if found:
            raise LogForked(FOUND_BEFORE, found)
        last = state.last()
        note = _log_part(source.checkpoint_to_cosign(), state.log_key)
        new = open_checkpoint(note, state.log_key)
        if last:
            _require_growth(state, source, last, (note, new))
        text = split_note(note)[0]
        made = cosign(text, state.name, state.key, time=int(time.time()))
        cosigned = note + made.line
        state.save(cosigned)
        source.submit(cosigned)
    return Round(new.size, last[1].size if last else 0, cosigned)


def _log_part(note: str, key: PublicKey) -> str:
    """The checkpoint with the log's signature alone. Raises `NotProven`."""
    open_checkpoint(note, key)
    text, signatures = split_note(note)
    own = next(line for line in signatures if (line.name, line.key_id) == (key.name, key.key_id))
    return f"{text}\n{own.line}"


def _require_growth(
    state: WitnessState, source: LogSource, last: tuple[str, Checkpoint], new: tuple[str, Checkpoint]
) -> None:
    """Raises `LogForked`, `StaleCheckpoint`."""
    notes = {checkpoint.size: note for note, checkpoint in (new, last)}
    first, second = sorted((last[1].size, new[1].size))
    if first == second:
        if last[1].root != new[1].root:
            why = Words(
                f"it signed two trees of {first} entries.", f"它为 {first} 条记录签署了两棵不同的树。"
            )
            _fork(state, last[0], new[0], None, why)
        return
    try:
        proof = list(source.consistency(first, second)) if first else []
    except InvalidInput as refused:
        if refused.code != NO_CONSISTENCY_PROOF:  # somebody on the way: it says nothing of the log
            raise Unavailable(
                "The log's proof could not be fetched.",
                remedy="Nothing was co-signed. Ask again later; if it lasts, ask who stands before the log.",
                zh="无法取得日志的证明。",
                remedy_zh="未联署任何内容。请稍后重试；如持续如此，请询问日志前置服务的负责人。",
            ) from refused
        proof = None  # it has no such entries
    if first and (proof is None or not _proves(notes[first], notes[second], proof, state.log_key)):
        why = Words(
            f"it does not prove that its {second} entries continue the {first} that it signed.",
            f"它不能证明其 {second} 条记录延续了所签署的 {first} 条记录。",
        )
        _fork(state, last[0], new[0], proof, why)
    if new[1].size < last[1].size:
        raise StaleCheckpoint(
            f"The log showed a checkpoint of {new[1].size} entries; {last[1].size} were co-signed before.",
            remedy="It is an old one of the same history, and was not co-signed. If it comes again, somebody "
            "on the way, or the log, shows you the past.",
            zh=f"日志出示了含 {new[1].size} 条记录的检查点；此前已联署 {last[1].size} 条。",
            remedy_zh="这是同一历史的旧检查点，未予联署。如再次出现，说明途中有人或日志在出示过去的内容。",
        )


def _proves(first: str, second: str, proof: list[str], key: PublicKey) -> bool:
    try:
        verify_growth(first, second, proof, str(key))
    except NotProven:
        return False
    return True


def _fork(state: WitnessState, first: str, second: str, proof: list[str] | None, why: Words) -> None:
    document = fork_evidence(state.log_key, first, second, proof=proof, why=why.en)
    verify_evidence(document, str(state.log_key))
    raise LogForked(why, state.keep_evidence(document))
