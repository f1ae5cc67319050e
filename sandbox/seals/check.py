"""The proof that programs can be sealed on this machine: one is sealed, and looks around."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from sandbox.errors import Unavailable
from sandbox.seals.bubblewrap import Bubblewrap
from sandbox.seals.host import interpreter
from sandbox.seals.model import Bind, Limits, Seal

SECONDS = 30
Words = tuple[str, str]  # English, Chinese
USER_NAMESPACES = (
    (
        "Let ordinary users make user namespaces (sysctl kernel.unprivileged_userns_clone=1 and "
        "kernel.apparmor_restrict_unprivileged_userns=0), or run Cihu as root."
    ),
    "请允许普通用户创建用户命名空间（sysctl kernel.unprivileged_userns_clone=1 和 "
    "kernel.apparmor_restrict_unprivileged_userns=0），或以 root 身份运行 Cihu。",
)
CONTAINER = (
    (
        "In a container, allow namespaces (for Docker: --security-opt seccomp=unconfined "
        "and --cap-add SYS_ADMIN), or run Cihu outside of it."
    ),
    (
        "在容器中请允许命名空间（Docker：--security-opt seccomp=unconfined 和 --cap-add "
        "SYS_ADMIN），或在容器外运行 Cihu。"
    ),
)
PROC = (
    "In a container, allow a fresh /proc (for Docker: --security-opt systempaths=unconfined).",
    "在容器中请允许挂载新的 /proc（Docker：--security-opt systempaths=unconfined）。",
)
REMEDIES = (
    ("No permissions to create", USER_NAMESPACES),
    ("setting up uid map", USER_NAMESPACES),
    ("Creating new namespace failed", CONTAINER),
    ("Can't mount proc", PROC),
)
OTHERWISE = (
    "See sandbox/seals/README.md for what a seal needs.",
    "密封所需的条件见 sandbox/seals/README.md。",
)


def check_seal(
    python: Path, sealer: Bubblewrap | None = None, readable: tuple[Bind, ...] | None = None
) -> None:
    """Return when a seal holds here for programs of the virtual environment of `python`;
    else raise Unavailable with the reason and the remedy. `readable`: the folders of `python`, if it is not
    that of a virtual environment."""
    probe = Path(__file__).with_name("probe.py").read_text()
    seal = Seal(
        command=(str(python), "-E", "-c", probe),
        readable=interpreter(python) if readable is None else readable,
        environment=(("LANG", "C.UTF-8"),),
        limits=Limits(cpu_seconds=20),
        name="check",
    )
    sealer = sealer or Bubblewrap()
    with tempfile.TemporaryFile() as output:
        process = sealer.start(seal, output=output)
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Unavailable(
                f"A sealed program did not end in {SECONDS} seconds.",
                remedy="See whether the machine is overloaded.",
                zh=f"密封的程序在 {SECONDS} 秒内没有结束。",
                remedy_zh="请检查机器是否过载。",
            ) from None
        output.seek(0)
        judge(
            status,
            output.read(20_000).decode(errors="replace"),
            waived=sealer.waived,
            own_kernel=sealer.own_kernel,
        )


def judge(status: int, said: str, *, waived: frozenset[str] = frozenset(), own_kernel: bool = False) -> None:
    """Read what the probe reported. Every restriction must hold, except for those `waived`.
    With `own_kernel` it must run on another kernel than this machine's."""
    try:
        seen = json.loads(said) if status == 0 else None
    except ValueError:
        seen = None
    if not isinstance(seen, dict):
        remedy, remedy_zh = remedy_for(said)
        raise Unavailable(
            f"Programs cannot be sealed on this machine: {last_line(said)}",
            remedy=remedy,
            zh=f"这台机器无法密封程序：{last_line(said, '密封没有给出原因就结束了。')}",
            remedy_zh=remedy_zh,
        )
    same_kernel = seen.pop("kernel", None) == " ".join(os.uname()[2:4])
    open_walls = [name.replace("_", " ") for name, is_open in seen.items() if is_open and name not in waived]
    if own_kernel and same_kernel:
        open_walls.append("runs on this machine's kernel")
    if open_walls:
        raise Unavailable(
            f"The seal does not hold on this machine: a sealed program {', '.join(open_walls)}.",
            remedy="Report this with the output of `uname -a`; no kernel will be started here.",
            zh=f"密封在这台机器上不牢固：密封的程序可以做到 {', '.join(open_walls)}。",
            remedy_zh="请附上 `uname -a` 的输出报告此问题；这里不会启动任何内核。",
        )


def last_line(said: str, otherwise: str = "the seal ended without a word.") -> str:
    lines = said.strip().splitlines()
    return lines[-1][:300] if lines else otherwise


def remedy_for(said: str) -> Words:
    return next((remedy for sign, remedy in REMEDIES if sign in said), OTHERWISE)
