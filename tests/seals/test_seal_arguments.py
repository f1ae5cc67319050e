"""The argument list of a seal is a pure function: it can be read and tested as a value."""

from dataclasses import replace

import pytest

from sandbox.errors import InvalidInput, Unavailable
from sandbox.seals.bubblewrap import DEVICES, arguments, parents
from sandbox.seals.host import FIRST_USER, USERS, Host, users_of
from sandbox.seals.model import Bind, Limits, Seal

ROOT = Host(bwrap="/b/bwrap", setpriv="/usr/bin/setpriv", prlimit="/usr/bin/prlimit", root=True)
USER = Host(bwrap="/b/bwrap", setpriv="/usr/bin/setpriv", prlimit="/usr/bin/prlimit", root=False)
SEAL = Seal(
    command=("/usr/bin/python3", "-c", "pass"),
    readable=(Bind("/h/venv", "/venv"),),
    own=(Bind("/h/in", "/in"),),
    doors=(Bind("/h/vault", "/run/vault"),),
    writable=(Bind("/h/out", "/outbox"),),
    environment=(("LANG", "C.UTF-8"),),
    name="wang",
)


def follows(made: list[str], *words: str) -> bool:
    return any(tuple(made[start : start + len(words)]) == words for start in range(len(made)))


@pytest.mark.parametrize("host", [ROOT, USER])
def test_every_namespace_is_new_and_the_environment_is_empty(host: Host) -> None:
    made = arguments(SEAL, host, [7, 8], {})
    assert {
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-net",
        "--clearenv",
        "--die-with-parent",
        "--new-session",
    } <= set(made)
    assert follows(made, "--setenv", "LANG", "C.UTF-8")
    assert made.count("--setenv") == 1


@pytest.mark.parametrize("host", [ROOT, USER])
def test_both_filters_are_loaded(host: Host) -> None:
    made = arguments(SEAL, host, [7, 8], {})
    assert follows(made, "--add-seccomp-fd", "7", "--add-seccomp-fd", "8")


@pytest.mark.parametrize("host", [ROOT, USER])
def test_only_what_is_named_is_bound_and_only_the_outbox_is_writable(host: Host) -> None:
    made = arguments(SEAL, host, [], {})
    assert [made[at + 1] for at, word in enumerate(made) if word == "--bind"] == ["/h/out"]
    assert [made[at + 1] for at, word in enumerate(made) if word == "--ro-bind"] == ["/h/in", "/h/vault"]
    assert [made[at + 1] for at, word in enumerate(made) if word == "--dev-bind"] == list(DEVICES)
    assert follows(made, "--remount-ro", "/", "--chdir", "/home/analyst")


@pytest.mark.parametrize("host", [ROOT, USER])
def test_what_two_seals_may_both_read_has_inodes_of_its_own_in_each_and_cannot_be_written(host: Host) -> None:
    host = replace(host, folders=("/usr", "/etc/fonts"), files=("/etc/ld.so.cache",))
    made = arguments(SEAL, host, [], {"/etc/ld.so.cache": 9})
    for source, target in (("/usr", "/usr"), ("/etc/fonts", "/etc/fonts"), ("/h/venv", "/venv")):
        assert follows(made, "--overlay-src", source, "--tmp-overlay", target, "--remount-ro", target)
    assert follows(made, "--ro-bind-data", "9", "/etc/ld.so.cache")
    assert "/etc/ld.so.cache" not in [
        made[at + 1] for at, word in enumerate(made) if word in ("--ro-bind", "--bind")
    ]


def test_there_is_no_proc_and_no_pseudo_terminal() -> None:
    made = arguments(SEAL, ROOT, [], {})
    assert "--proc" not in made and "--dev" not in made


def test_every_folder_in_memory_has_a_size() -> None:
    made = arguments(SEAL, ROOT, [], {})
    folders = [at for at, word in enumerate(made) if word == "--tmpfs"]
    assert len(folders) == 4
    assert all(made[at - 2] == "--size" for at in folders)


def test_root_gives_up_every_right_before_the_program_starts() -> None:
    made = arguments(SEAL, ROOT, [], {})
    inside = made[made.index("--") + 1 :]
    user = str(ROOT.user("wang"))
    assert inside[:6] == ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--clear-groups"]
    assert {"--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"} <= set(inside)
    assert [made[at + 1] for at, word in enumerate(made) if word == "--cap-add"] == [
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_SETPCAP",
    ]


def test_an_ordinary_user_gets_a_user_namespace_and_no_right_at_all() -> None:
    made = arguments(SEAL, USER, [], {})
    assert "--unshare-user" in made
    assert "--cap-add" not in made
    assert "/usr/bin/setpriv" not in made


def test_limits_stand_right_before_the_program() -> None:
    made = arguments(Seal(command=("/bin/x",), limits=Limits(processes=3, memory_bytes=5)), USER, [], {})
    assert made[-1] == "/bin/x"
    assert {"--nproc=3", "--as=5", "--core=0"} <= set(made)


def test_folders_above_a_bind_can_be_passed_by_the_sealed_user() -> None:
    assert parents(["/root/a/b"]) == [
        "--perms",
        "0755",
        "--dir",
        "/root",
        "--perms",
        "0755",
        "--dir",
        "/root/a",
    ]


def test_a_seal_has_a_host_user_of_its_own_and_always_the_same() -> None:
    assert ROOT.user("wang") == ROOT.user("wang") != ROOT.user("li")
    assert FIRST_USER <= ROOT.user("wang") < FIRST_USER + USERS


@pytest.mark.parametrize(
    ("uid_map", "users"),
    [
        ("         0          0 4294967295\n", (FIRST_USER, USERS)),
        ("         0     100000      65536\n", (32768, 31744)),
    ],
)
def test_users_of_a_seal_exist_in_the_container_that_it_runs_in(uid_map: str, users: tuple[int, int]) -> None:
    assert users_of(uid_map) == users


def test_a_container_with_too_few_users_is_refused_with_a_remedy() -> None:
    with pytest.raises(Unavailable, match="65536"):
        users_of("0 1000 1\n")


@pytest.mark.parametrize("path", ["/", "relative", "/a/../b", "/a\0b"])
def test_a_bind_is_a_plain_absolute_path_and_never_the_root(path: str) -> None:
    with pytest.raises(InvalidInput):
        Bind(path, "/x")


def test_a_seal_cannot_be_built_wrong() -> None:
    with pytest.raises(InvalidInput):
        Seal(command=("python",))
    with pytest.raises(InvalidInput):
        Seal(command=("/x",), readable=(Bind("/a", "/t"), Bind("/b", "/t")))
    with pytest.raises(InvalidInput):
        Limits(processes=0)
