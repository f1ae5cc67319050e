"""Keeps what a witness must not forget: its key, which log it witnesses, and what it co-signed last.

One folder is one witness of one log:

    witness.json   its name, the log's address and the log's public key
    witness.pem    its private key (0600)
    last           the last checkpoint that it co-signed, with its cosignature; empty before the first
    lock           held while a round runs
    fork-*.json    the evidence of a fork, if one was found
"""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.cosignatures import WitnessKey, read_cosignatures
from sandbox.audit.note import Checkpoint, NotProven, PublicKey, check_name, open_checkpoint
from sandbox.audit.signer import signing_key, write_whole
from sandbox.errors import Conflict, InvalidInput, NotFound

FIELDS = {"name", "log", "log_key"}


class StateLost(Conflict):
    """The witness's memory is gone: what it would co-sign now might contradict what it co-signed before."""

    code = "witness_state_lost"


class WitnessState:
    """The folder of a witness. Raises `NotFound` if there is none, `InvalidInput` if it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            known = json.loads((folder / "witness.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(
                f"There is no witness in {folder}.",
                remedy="Make one with `cihu witness create`.",
                zh=f"{folder} 中没有见证方。",
                remedy_zh="请用 cihu witness create 创建。",
            ) from None
        except ValueError as error:
            raise _unreadable(folder) from error
        if not isinstance(known, dict) or set(known) != FIELDS:
            raise _unreadable(folder)
        self.name, self.log = str(known["name"]), str(known["log"])
        self.log_key = PublicKey.parse(str(known["log_key"]))
        if not (folder / "witness.pem").exists():
            raise StateLost(
                f"The key of {self.name} is gone.",
                remedy="Restore witness.pem from a backup, or make a new witness in another folder and send "
                "its key to the log's operator.",
                zh=f"{self.name} 的密钥已丢失。",
                remedy_zh="请从备份恢复 witness.pem；或在其他文件夹新建见证方，并把公钥发给日志的运营人员。",
            )

    @property
    def key(self) -> Ed25519PrivateKey:
        return signing_key(self.folder / "witness.pem", "witness")

    @property
    def public_key(self) -> WitnessKey:
        return WitnessKey(self.name, self.key.public_key().public_bytes_raw())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One round at a time: two could co-sign two histories. Raises `Conflict`."""
        with (self.folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict(
                    "Another `cihu witness` works in this folder.",
                    remedy="Let it finish, or end it.",
                    zh="另一个 cihu witness 正在使用此文件夹。",
                    remedy_zh="请等待其结束，或将其终止。",
                ) from error
            yield

    def last(self) -> tuple[str, Checkpoint] | None:
        """The note that was co-signed last, and its checkpoint; None before the first. Raises `StateLost`
        if it is gone or damaged."""
        try:
            note = (self.folder / "last").read_text("utf-8")
        except FileNotFoundError:
            raise self._lost("is gone", "已丢失") from None
        except UnicodeDecodeError as error:
            raise self._lost("is damaged", "已损坏") from error
        if not note:
            return None
        try:
            return note, self._own(note)
        except NotProven as error:
            raise self._lost("is damaged", "已损坏") from error

    def save(self, note: str) -> None:
        """Remember a co-signed checkpoint, before anybody is given its cosignature."""
        write_whole(self.folder / "last", note.encode(), replace=True)

    def restore(self, note: str) -> Checkpoint:
        """Take a checkpoint that this witness co-signed as the last one. Raises `NotProven` if it did not
        co-sign it, `Conflict` if it remembers a later one."""
        checkpoint = self._own(note)
        try:
            known = self.last()
        except StateLost:
            known = None
        if known and known[1].size >= checkpoint.size:
            raise Conflict(
                f"The witness remembers {known[1].size} entries, and this checkpoint has {checkpoint.size}.",
                remedy="Nothing was lost; leave it as it is.",
                zh=f"见证方记得 {known[1].size} 条记录，而该检查点含 {checkpoint.size} 条。",
                remedy_zh="没有丢失任何内容，请保持原样。",
            )
        self.save(note)
        return checkpoint

    def evidence(self) -> Path | None:
        """The evidence of the first fork that was found."""
        return min(self.folder.glob("fork-*.json"), default=None)

    def keep_evidence(self, document: dict[str, object]) -> Path:
        path = self.folder / f"fork-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
        write_whole(path, json.dumps(document, ensure_ascii=False, indent=1).encode(), replace=True)
        return path

    def _own(self, note: str) -> Checkpoint:
        checkpoint = open_checkpoint(note, self.log_key)
        if not read_cosignatures(note, [self.public_key]):
            raise NotProven(
                f"The checkpoint has no cosignature of {self.name}.", zh=f"该检查点没有 {self.name} 的联署。"
            )
        return checkpoint

    def _lost(self, what: str, what_zh: str) -> StateLost:
        return StateLost(
            f"What {self.name} co-signed last {what}, so it co-signs nothing.",
            remedy="Restore the file `last` from a backup, or give the newest checkpoint that this witness "
            "co-signed, such as the one of its log's newest witnessed receipt: `cihu witness restore FILE`. "
            "A log that has something to hide may give you an older one: compare it with what others have, "
            "or make a new witness.",
            zh=f"{self.name} 上次联署的内容{what_zh}，因此不再联署。",
            remedy_zh="请从备份恢复文件 last，或用该见证方联署过的最新检查点恢复"
            "（如日志最新的经见证凭证中的检查点）：cihu witness restore FILE。"
            "有所隐瞒的日志可能会给出较旧的检查点：请与他人持有的比对，或新建见证方。",
        )


def create_witness(folder: Path, *, name: str, log: str, log_key: str) -> WitnessState:
    """Make a key and a state that has seen nothing yet. Raises `Conflict` if the folder has a witness."""
    check_name(name)
    key = PublicKey.parse(log_key)
    if name == key.name:
        raise InvalidInput(
            "A witness needs another name than the log.",
            remedy="Use the name of its owner.",
            zh="见证方的名称不能与日志相同。",
            remedy_zh="请使用其所有者的名称。",
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / "witness.json").exists() or (folder / "witness.pem").exists():
        raise Conflict(
            f"There is a witness in {folder}.",
            remedy="Give another folder.",
            zh=f"{folder} 中已有见证方。",
            remedy_zh="请另选文件夹。",
        )
    signing_key(folder / "witness.pem", "witness")
    write_whole(folder / "last", b"", replace=True)
    known = {"name": name, "log": log.rstrip("/"), "log_key": str(key)}
    write_whole(folder / "witness.json", json.dumps(known, ensure_ascii=False).encode(), replace=True)
    return WitnessState(folder)


def _unreadable(folder: Path) -> InvalidInput:
    return InvalidInput(
        f"{folder}/witness.json cannot be read.", remedy="Restore it from a backup, or make a new witness."
    )
