"""Reads a service's secret of 32 random bytes from a file that nobody else can read."""

import os
import stat
from pathlib import Path

from sandbox.errors import Unavailable

BYTES = 32
OTHERS, GROUP_AND_OTHERS = 0o027, 0o077


def read_secret(file: Path, *, make: bool = True) -> bytes:
    """The secret; the first process that asks makes it.

    With `make=False` it is given by the operator, for several machines: a missing one is never made, and its
    group may read it, as that of a mounted secret does. Raises `Unavailable`, naming the file.
    """
    if make and not file.exists():
        _make(file)
    try:
        mode, secret = stat.S_IMODE(file.stat().st_mode), file.read_bytes()
    except OSError as error:
        raise Unavailable(
            f"The secret {file} cannot be read: {error.strerror}.",
            remedy=f"Copy {file.name} from the key folder of the portal that made it, or put {BYTES} random "
            "bytes there if there was none.",
            zh=f"无法读取密钥文件 {file}。",
            remedy_zh=f"请从生成它的门户的密钥文件夹复制 {file.name}；如果从未有过，"
            f"请放入 {BYTES} 个随机字节。",
        ) from error
    if len(secret) != BYTES or mode & (GROUP_AND_OTHERS if make else OTHERS):
        raise Unavailable(
            f"The secret {file} cannot be used.",
            remedy=f"It is a file of {BYTES} bytes that only the service can read: mode 0600.",
            zh=f"无法使用密钥文件 {file}。",
            remedy_zh=f"它应是只有本服务能读取的 {BYTES} 字节文件，权限为 0600。",
        )
    return secret


def _make(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.urandom(8).hex()}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(os.urandom(BYTES))
        made.flush()
        os.fsync(made.fileno())
    try:
        os.link(beside, file)  # of processes that start together one makes it, and all read that
    except FileExistsError:
        pass
    finally:
        beside.unlink()
