"""Writes and verifies signed checkpoints. They are C2SP signed notes (c2sp.org/signed-note) whose text is
a tree head (c2sp.org/tlog-checkpoint), signed with Ed25519. Pure."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.errors import InvalidInput

ED25519 = b"\x01"  # the signature type of the note specification
NO_CONSISTENCY_PROOF = "no_consistency_proof"
"""The code of a log's refusal: it does not have both sizes."""
DASH = "\N{EM DASH} "
LONGEST_NOTE = 1_000_000
LARGEST_SIZE = 2**63 - 1


class NotProven(InvalidInput):
    """A receipt, checkpoint or proof does not show what it claims; the message says what failed."""

    code = "not_proven"


def encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def decode(text: str, what: str, what_zh: str) -> bytes:
    """Standard base64, in its one canonical spelling: a second spelling would be a second receipt. `what`:
    how a refusal names it."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotProven(f"{what} is not base64.", zh=f"{what_zh}不是 base64。") from error
    if encode(value) != text:
        raise NotProven(f"{what} is not canonical base64.", zh=f"{what_zh}不是规范的 base64。")
    return value


def check_name(name: str) -> None:
    if not name or "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise InvalidInput(
            f"{name!r} cannot name a key.",
            remedy="Use a name such as city.example/log: no space, no +.",
            zh=f"{name!r} 不能作为密钥的名称。",
            remedy_zh="请使用如 city.example/log 的名称：不含空格和加号。",
        )


@dataclass(frozen=True)
class PublicKey:
    """Who signs: a name and an Ed25519 public key (32 bytes). Written as `name+id+key` (a "vkey")."""

    name: str
    key: bytes

    signature_type: ClassVar[bytes] = ED25519
    whose: ClassVar[str] = "a log"
    whose_zh: ClassVar[str] = "日志"
    looks_like: ClassVar[str] = "cihu.local/log+0123abcd+AX…=; GET /v1/log/key gives it"

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != 32:
            raise InvalidInput("An Ed25519 public key has 32 bytes.", zh="Ed25519 公钥为 32 字节。")

    @property
    def key_id(self) -> bytes:
        """As c2sp.org/signed-note computes it, from the name, the signature type and the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.signature_type + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode(self.signature_type + self.key)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a vkey. Raises `InvalidInput`."""
        remedy = f"A public key of {cls.whose} looks like {cls.looks_like}."
        remedy_zh = f"{cls.whose_zh}的公钥形如 {cls.looks_like.partition(';')[0]}。"
        name, plus, rest = text.strip().partition("+")
        key_id, second_plus, encoded = rest.partition("+")
        if not plus or not second_plus:
            raise InvalidInput(
                "The public key is not of the form name+id+key.",
                remedy=remedy,
                zh="公钥不是“名称+编号+密钥”的形式。",
                remedy_zh=remedy_zh,
            )
        try:
            key = decode(encoded, "The key's last part", "密钥的最后一部分")
        except NotProven as error:
            raise InvalidInput(error.message, remedy=remedy, zh=error.zh, remedy_zh=remedy_zh) from error
        if key[:1] != cls.signature_type or len(key) != 33:
            raise InvalidInput(
                f"The public key is not an Ed25519 key of {cls.whose}.",
                remedy=remedy,
                zh=f"该公钥不是{cls.whose_zh}的 Ed25519 公钥。",
                remedy_zh=remedy_zh,
            )
        parsed = cls(name, key[1:])
        if parsed.key_id.hex() != key_id:
            raise InvalidInput(
                "The public key's id does not fit its name and key: it was mistyped.",
                remedy=remedy,
                zh="公钥的编号与其名称和密钥不符：可能输入有误。",
                remedy_zh=remedy_zh,
            )
        return parsed


@dataclass(frozen=True)
class Checkpoint:
    """The log's state: `size` entries whose Merkle tree has this root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{encode(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """From a note's text. Extension lines are refused: nobody could audit them."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NotProven(
                "The checkpoint's text is not origin, size, root.", zh="检查点的内容不是来源、大小、根三行。"
            )
        origin, size, root = lines[:3]
        if not (size.isascii() and size.isdigit()) or (size != "0" and size[0] == "0") or len(size) > 19:
            raise NotProven(
                "The checkpoint's size is not a plain decimal number.", zh="检查点的大小不是十进制数。"
            )
        if int(size) > LARGEST_SIZE:
            raise NotProven("The checkpoint's size is larger than any log.", zh="检查点的大小超过任何日志。")
        parsed = cls(origin, int(size), decode(root, "The checkpoint's root", "检查点的根"))
        if len(parsed.root) != 32:
            raise NotProven(
                "The checkpoint's root is not a SHA-256 hash.", zh="检查点的根不是 SHA-256 散列值。"
            )
        return parsed


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The signed note of a text that ends in a newline."""
    public = PublicKey(name, key.public_key().public_bytes_raw())
    return f"{text}\n{DASH}{name} {encode(public.key_id + key.sign(text.encode()))}\n"


class NoteSignature(NamedTuple):
    """A signature line of a note: whose it says it is, and the key id with what follows it."""

    name: str
    key_id: bytes
    signature: bytes
    line: str  # with its newline


def split_note(note: str) -> tuple[str, list[NoteSignature]]:
    """The text of a note, and its signature lines, which are not verified. Raises `NotProven`."""
    if len(note) > LONGEST_NOTE:
        raise NotProven("The signed note is too long.", zh="签名文件过长。")
    if any(letter < " " and letter != "\n" for letter in note):
        raise NotProven("The signed note holds a control character.", zh="签名文件含有控制字符。")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NotProven("The note has no signature.", zh="签名文件没有签名。")
    found = []
    for line in signatures[:-1].split("\n"):
        name, space, encoded = line.removeprefix(DASH).rpartition(" ")
        if not line.startswith(DASH) or not space or not name:
            raise NotProven("A signature line of the note is malformed.", zh="签名文件的一行签名格式不正确。")
        signature = decode(encoded, f"The signature of {name}", f"{name} 的签名")
        found.append(NoteSignature(name, signature[:4], signature[4:], f"{line}\n"))
    return text + "\n", found


def open_note(note: str, public_key: PublicKey) -> str:
    """The text of a note that this key has signed. Other keys' signatures (witnesses) may stand beside it;
    they are not looked at. Raises `NotProven`."""
    text, signatures = split_note(note)
    own = [each for each in signatures if (each.name, each.key_id) == (public_key.name, public_key.key_id)]
    for each in own:
        require_signed(public_key, each.signature, text.encode())
    if not own:
        raise NotProven(
            f"The note is not signed by {public_key.name} with the key that was given.",
            zh=f"签名文件不是由 {public_key.name} 用所给的密钥签名的。",
        )
    return text


def require_signed(public_key: PublicKey, signature: bytes, message: bytes) -> None:
    """Raises `NotProven` if the key did not sign the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key.key).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise NotProven(
            f"The signature of {public_key.name} is wrong: the checkpoint was changed or never signed.",
            zh=f"{public_key.name} 的签名不正确：检查点被改动，或从未签名。",
        ) from error


def open_checkpoint(note: str, public_key: PublicKey) -> Checkpoint:
    """The checkpoint in a note that the log's key has signed. Raises `NotProven`."""
    try:
        note.encode()
    except UnicodeEncodeError as error:
        raise NotProven("The signed note is not UTF-8.", zh="签名文件不是 UTF-8。") from error
    checkpoint = Checkpoint.parse(open_note(note, public_key))
    if checkpoint.origin != public_key.name:
        raise NotProven(
            f"The checkpoint is of the log {checkpoint.origin!r}, the key of {public_key.name!r}.",
            zh=f"检查点属于日志 {checkpoint.origin!r}，密钥属于 {public_key.name!r}。",
        )
    return checkpoint
