"""A run sealed with gVisor is the same seal with its program on another kernel;
where runsc is missing, none is sealed."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import Unavailable
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import run_seal
from sandbox.seals import check_seal, chosen_sealer
from sandbox.seals.bubblewrap import arguments, limits_of
from sandbox.seals.check import judge
from sandbox.seals.gvisor import FLAGS, NO_RIGHTS, UNKNOWN, Gvisor, find_runsc, in_gvisor
from sandbox.seals.host import Host
from workspace import KERNEL_PYTHON

HOST = Host(bwrap="/usr/bin/bwrap", setpriv="/usr/bin/setpriv", prlimit="/usr/bin/prlimit", root=False)
SEAL = run_seal(
    run="7",
    entry="main.py",
    python=Path("/opt/cihu/.venv-kernel/bin/python"),
    interpreter=(),
    folder=RunFolder(Path("/srv/runs/7")),
    memory_bytes=2**30,
    limit_seconds=60,
)


def test_its_command_is_the_same_program_with_the_same_limits_below_runsc() -> None:
    made = in_gvisor(SEAL, "/usr/local/bin/runsc", HOST)
    inner = made.command.index("--")
    assert made.command[:inner] == (
        "/usr/local/bin/runsc",
        *FLAGS,
        "do",
        "--quiet",
        "--force-overlay=false",
        "--cwd=/home/analyst",
    )
    assert made.command[inner + 1 :] == (
        "/usr/bin/setpriv",
        *NO_RIGHTS,
        "/usr/bin/prlimit",
        *(limit for limit in limits_of(SEAL) if not limit.startswith(UNKNOWN)),
        "--",
        *SEAL.command,
    )
    assert {"--network=none", "--host-uds=none", "--rootless"} <= set(FLAGS)


def test_on_this_machines_kernel_it_is_no_seal_and_only_what_a_kernel_of_its_own_allows_is_waived() -> None:
    walls = dict.fromkeys(("rights", "unfiltered", "makes_links", "has_networks"), False)
    there = {"waived": Gvisor.waived, "own_kernel": Gvisor.own_kernel}
    judge(
        0,
        json.dumps(walls | {"kernel": "Linux version 4.4.0", "unfiltered": True, "makes_links": True}),
        **there,
    )
    for open_wall in ({"kernel": " ".join(os.uname()[2:4])}, {"kernel": "4.4.0", "has_networks": True}):
        with pytest.raises(Unavailable, match="does not hold"):
            judge(0, json.dumps(walls | open_wall), **there)


def test_it_shows_and_writes_what_the_seal_does_and_takes_no_more_memory() -> None:
    made = in_gvisor(SEAL, "/opt/gvisor/bin/runsc", HOST)
    assert made.own[:-1] == SEAL.own and made.own[-1].target == "/opt/gvisor/bin/runsc"
    assert (made.writable, made.scratch, made.environment, made.all_bytes) == (
        SEAL.writable,
        SEAL.scratch,
        SEAL.environment,
        SEAL.all_bytes,
    )
    line = arguments(made, HOST, [], {}, proc=True)
    assert "--unshare-net" in line and "--unshare-pid" in line and "--add-seccomp-fd" not in line
    assert in_gvisor(SEAL, "/usr/bin/runsc", HOST).own == SEAL.own, "it is below /usr already"


def test_what_is_over_proc_is_taken_off_with_a_right_that_is_given_up_before_runsc() -> None:
    for host in (HOST, replace(HOST, root=True)):
        line = Gvisor(host, "/usr/bin/runsc").line(in_gvisor(SEAL, "/usr/bin/runsc", host), [], {})
        start, dropped, runsc = (
            line.index("uncover"),
            line.index("/usr/bin/setpriv"),
            line.index("/usr/bin/runsc"),
        )
        assert "CAP_SYS_ADMIN" in line[:start] and start < dropped < runsc
        kept = [limit for limit in line[dropped:runsc] if limit.startswith("--bounding-set")]
        assert kept == ["--bounding-set=-all" if host.root else "--bounding-set=-all,+setfcap"]


def test_where_it_is_chosen_and_missing_it_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sandbox.seals.gvisor.PLACES", "/nowhere")
    for refused in (find_runsc, Gvisor, lambda: chosen_sealer("gvisor")):
        with pytest.raises(Unavailable, match="runsc is not on this machine") as why:
            refused()
        assert "CIHU_RUN_SEAL=bubblewrap" in why.value.remedy


@pytest.mark.skipif(shutil.which("runsc") is None, reason="Debian: apt-get install runsc")
def test_with_runsc_it_holds_on_this_machine() -> None:
    check_seal(KERNEL_PYTHON, Gvisor())


def test_what_does_not_start_as_runsc_does_is_no_seal() -> None:
    with pytest.raises(Unavailable):
        check_seal(KERNEL_PYTHON, Gvisor(runsc="/usr/bin/false"))
