"""Reads `policies/witnesses.policy`: which witnesses are known, and which of them must co-sign a checkpoint.

The format is that of c2sp.org/tlog-policy, so that a verifier elsewhere can use the same file. Pure but for
`read_witness_policy`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

from sandbox.audit.cosignatures import WitnessKey
from sandbox.audit.note import PublicKey
from sandbox.errors import InvalidInput

Key = TypeVar("Key", bound=PublicKey)

FILE = "witnesses.policy"
NONE = "none"
MOST_NAMES = 64
LONGEST = 64 * 1024


class Group(NamedTuple):
    """A group witnesses a checkpoint when `needed` of its members (witnesses or groups) do."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class WitnessPolicy:
    """Known logs and witnesses, and the quorum: the name of a witness or group, or "none"."""

    logs: tuple[PublicKey, ...] = ()
    witnesses: Mapping[str, WitnessKey] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    def met_by(self, keys: Collection[WitnessKey]) -> bool:
        """Whether a checkpoint that these witnesses co-signed is witnessed."""
        return self.quorum == NONE or self._met(self.quorum, keys)

    def _met(self, name: str, keys: Collection[WitnessKey]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name] in keys
        return sum(self._met(member, keys) for member in group.members) >= group.needed


NO_WITNESSES = WitnessPolicy()


def read_witness_policy(folder: Path) -> WitnessPolicy:
    """The policy in a folder of policies; without the file there are no witnesses. Raises `InvalidInput`."""
    file = folder / FILE
    return read_policy_file(file) if file.is_file() else NO_WITNESSES


def read_policy_file(file: Path) -> WitnessPolicy:
    """Raises `InvalidInput`, naming the line."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read.",
            remedy="Give a file of text in UTF-8.",
            zh=f"无法读取 {file}。",
            remedy_zh="请提供 UTF-8 文本文件。",
        ) from error
    return parse_witness_policy(text, what=file.name)


def parse_witness_policy(text: str, *, what: str = FILE) -> WitnessPolicy:
    """Raises `InvalidInput`, naming the line."""
    if len(text) > LONGEST:
        raise InvalidInput(
            f"{what} is too long.",
            remedy=f"It has at most {LONGEST} characters.",
            zh=f"{what} 过长。",
            remedy_zh=f"最多 {LONGEST} 个字符。",
        )
    reader = _Reader(what)
    for number, line in enumerate(text.split("\n"), 1):
        reader.number = number
        if any(letter < " " and letter != "\t" for letter in line):
            reader.refuse(
                "a control character",
                "Save it with lines that end in a newline alone.",
                zh="含有控制字符",
                remedy_zh="请保存为仅以换行符结尾的行。",
            )
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if words and not words[0].startswith("#"):
            reader.read(words)
    return reader.finish()


class _Reader:
    def __init__(self, what: str) -> None:
        self.what, self.number = what, 0
        self.logs: list[PublicKey] = []
        self.witnesses: dict[str, WitnessKey] = {}
        self.groups: dict[str, Group] = {}
        self.in_groups: set[str] = set()
        self.quorum = ""

    def refuse(self, fault: str, remedy: str, *, zh: str, remedy_zh: str) -> NoReturn:
        raise InvalidInput(
            f"{self.what}, line {self.number}: {fault}.",
            remedy=remedy,
            zh=f"{self.what} 第 {self.number} 行：{zh}。",
            remedy_zh=remedy_zh,
        )

    def read(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(vkey)
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self._witness(name, vkey)
            case ["group", name, needed, *members] if members:
                self._group(name, needed, members)
            case ["quorum", name]:
                if self.quorum:
                    self.refuse(
                        "there is a second quorum",
                        "Leave one line `quorum NAME`.",
                        zh="有第二个 quorum",
                        remedy_zh="只保留一行 quorum NAME。",
                    )
                if name != NONE:
                    self._require_known(name)
                self.quorum = name
            case _:
                self.refuse(
                    f"{words[0]!r} is not understood",
                    "Write log VKEY, witness NAME VKEY, group NAME any|all|NUMBER NAME..., quorum NAME.",
                    zh=f"无法理解 {words[0]!r}",
                    remedy_zh="请写 log VKEY、witness NAME VKEY、"
                    "group NAME any|all|NUMBER NAME...、quorum NAME。",
                )

    def finish(self) -> WitnessPolicy:
        if not self.quorum:
            self.refuse(
                "there is no quorum",
                "Write `quorum none`, or the name of a witness or group.",
                zh="缺少 quorum",
                remedy_zh="请写 quorum none，或见证方或组的名称。",
            )
        return WitnessPolicy(tuple(self.logs), self.witnesses, self.groups, self.quorum)

    def _log(self, vkey: str) -> None:
        key = self._key(PublicKey, vkey)
        if key.key in {known.key for known in self.logs}:
            self.refuse(
                "this log is there already",
                "Leave one line for each key.",
                zh="该日志已存在",
                remedy_zh="每个公钥只保留一行。",
            )
        self.logs.append(key)

    def _witness(self, name: str, vkey: str) -> None:
        key = self._key(WitnessKey, vkey)
        self._require_new(name)
        if key.key in {known.key for known in self.witnesses.values()}:
            self.refuse(
                "this witness is there already",
                "Leave one line for each key.",
                zh="该见证方已存在",
                remedy_zh="每个公钥只保留一行。",
            )
        self.witnesses[name] = key

    def _group(self, name: str, needed: str, members: list[str]) -> None:
        self._require_new(name)
        for member in members:
            self._require_known(member)
            if member in self.in_groups:
                self.refuse(
                    f"{member} is a member a second time",
                    "A name is a member of one group, once.",
                    zh=f"{member} 再次成为成员",
                    remedy_zh="一个名称只能在一个组中出现一次。",
                )
            self.in_groups.add(member)
        if needed in ("any", "all"):
            least = 1 if needed == "any" else len(members)
        else:
            least = int(needed) if needed.isascii() and needed.isdigit() and len(needed) < 4 else 0
        if not 1 <= least <= len(members):
            self.refuse(
                f"{needed!r} of {len(members)} cannot be",
                f"Write any, all or 1 to {len(members)}.",
                zh=f"{len(members)} 个成员中不能要求 {needed!r}",
                remedy_zh=f"请写 any、all 或 1 至 {len(members)}。",
            )
        self.groups[name] = Group(least, tuple(members))

    def _key(self, kind: type[Key], vkey: str) -> Key:
        try:
            return kind.parse(vkey)
        except InvalidInput as error:
            zh, remedy_zh = error.words("zh")
            self.refuse(
                error.message.removesuffix("."), error.remedy, zh=zh.removesuffix("。"), remedy_zh=remedy_zh
            )

    def _require_new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            self.refuse(
                f"the name {name} is taken",
                "Give each witness and group a name of its own.",
                zh=f"名称 {name} 已被使用",
                remedy_zh="请为每个见证方和组取不同的名称。",
            )
        if len(self.witnesses) + len(self.groups) >= MOST_NAMES:
            self.refuse(
                "there are too many names",
                f"At most {MOST_NAMES} witnesses and groups.",
                zh="名称过多",
                remedy_zh=f"见证方和组最多共 {MOST_NAMES} 个。",
            )

    def _require_known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            self.refuse(
                f"{name} is not defined",
                "Define witnesses and groups on lines before.",
                zh=f"{name} 未定义",
                remedy_zh="请在前面的行中定义见证方和组。",
            )
