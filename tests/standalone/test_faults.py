"""What the machine lacks is told with its true cause and the remedy:
no traceback, and no hint that leads elsewhere.

The faults are real ones, made in namespaces of their own (mount, network); so most of these tests need root.
"""

import errno
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from live_city import CHECKOUT, CIHU
from sandbox.standalone.checks import sockets_in_home
from sandbox.standalone.settings import ANY_PORTS
from sandbox.standalone.system_errors import REMEDIES, of_the_system
from sandbox.standalone.user_namespaces import SWITCHES, why_denied

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes mounts and networks in namespaces")
CITY = Path(__file__).with_name("city_process.py")


def in_namespaces(
    kind: str, before: str, *command: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command where `before` (shell) has changed the machine for it alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CIHU_")}
    return subprocess.run(
        ["unshare", kind, "/bin/sh", "-c", f'{before} && exec "$@"', "in", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=CHECKOUT,
        env=kept | environment,
    )


def tmpfs(folder: Path, options: str) -> str:
    folder.mkdir(exist_ok=True)
    return f'mount -t tmpfs -o {options} cihu-test "{folder}"'


def python(*lines: str) -> tuple[str, str, str]:
    return sys.executable, "-c", "\n".join(map(dedent, lines))


@needs_root
@pytest.mark.parametrize("before", ["true", "ip link set lo up && ip addr del 127.0.0.1/8 dev lo"])
def test_without_an_ipv4_loopback_that_is_said_and_no_port_is_blamed(before: str, short_home: Path) -> None:
    done = in_namespaces("--net", before, CIHU, "up", "--home", short_home)
    assert (
        done.returncode == 1
        and "loopback 127.0.0.1 cannot be used" in done.stderr
        and "ip link set lo up" in done.stderr
    )
    assert "in use" not in done.stderr and "Traceback" not in done.stderr
    port = in_namespaces(
        "--net",
        before,
        *python("""
        from sandbox.standalone.ports import claimed_port
        from sandbox.errors import Unavailable
        try:
            claimed_port(18600, part="portal", setting="CIHU_PORTAL_PORT")
        except Unavailable as error:
            print(error.code)
        """),
    )
    # where the interface is down one can listen, and be reached by nobody: no fault of the port's either
    assert port.stdout in ("no_loopback\n", "") and (port.stdout or before == "true"), port


@needs_root
@pytest.mark.parametrize(
    ("options", "fill", "code"),
    [
        ("size=64m", False, "MiB are free on the disk"),  # too small from the start
        ("size=1m", True, "disk is full"),  # nothing can be written at all
        ("size=2g,ro", False, "Read-only file system"),
    ],
)
def test_a_disk_on_which_no_city_fits_is_told_as_such(
    options: str, fill: bool, code: str, short_home: Path
) -> None:
    filled = f' && (dd if=/dev/zero of="{short_home}/filler" bs=64k 2>/dev/null || true)' if fill else ""
    done = in_namespaces("--mount", tmpfs(short_home, options) + filled, CIHU, "up", "--home", short_home)
    assert done.returncode == 1 and code in done.stderr and "CIHU_HOME" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@needs_root
def test_a_full_disk_of_the_database_is_told_as_that_and_it_goes_on_when_there_is_room(
    short_home: Path,
) -> None:
    done = in_namespaces(
        "--mount",
        tmpfs(short_home, "size=160m,mode=0777"),
        *python(f"""
        from pathlib import Path
        from sqlalchemy import text
        from sandbox.standalone.postgres import Postgres
        from sandbox.database import Database
        from sandbox.errors import Unavailable
        home = Path({str(short_home)!r})
        server = Postgres(home / "pg", home / "log")
        server.start()
        database = Database(server.url(database="postgres"))
        with database.transaction() as tx:
            tx.execute(text("CREATE UNLOGGED TABLE filler (words text)"))
        try:
            with database.transaction() as tx:
                tx.execute(text("ALTER TABLE filler ALTER words SET STORAGE PLAIN"))
                tx.execute(text("INSERT INTO filler SELECT repeat('x', 2000) FROM generate_series(1, 200000)"))
        except Unavailable as error:
            print(error.code, "|", error)
        with database.transaction() as tx:
            print(tx.execute(text("SELECT count(*) FROM filler")).scalar_one())
        database.close()
        server.stop()
        """),  # noqa: E501
    )
    assert done.stdout.startswith("disk_full | The database's disk is full"), (
        done.stdout,
        done.stderr[-2000:],
    )
    assert done.stdout.endswith("\n0\n"), "it answers again"


@needs_root
@pytest.mark.slow
def test_a_home_on_a_disk_without_programs_will_do(short_home: Path) -> None:
    """Nothing is started from the home: `noexec` is no fault, and none is made of it."""
    script = (
        '"$1" "$2" "$3" & city=$!; exec 3<"$3/said"; read -r said <&3; echo "$said"; kill $city; wait $city'
    )
    before = tmpfs(short_home, "size=2g,noexec") + f' && mkfifo "{short_home}/said"'
    done = in_namespaces(
        "--mount",
        before,
        "/bin/sh",
        "-c",
        script.replace('"$3" &', '"$3" > "$3/said" &'),
        "in",
        sys.executable,
        CITY,
        short_home,
    )
    assert done.stdout == "ready\n", (done.stdout, done.stderr[-2000:])


@pytest.fixture
def short_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="cf", dir="/tmp"))  # sockets need short paths
    yield folder  # type: ignore[misc]
    shutil.rmtree(folder, ignore_errors=True)


@needs_root
def test_a_home_on_a_file_system_without_sockets_is_told_as_such(short_home: Path) -> None:
    """/proc holds files, and no sockets: as folders that a virtual machine's host shares."""
    from sandbox.errors import Unavailable

    with pytest.raises(Unavailable, match="holds no sockets or locks.*a disk of this machine"):
        sockets_in_home(Path("/proc/self"), ANY_PORTS)
    sockets_in_home(short_home, ANY_PORTS)


@pytest.mark.parametrize("number", sorted(REMEDIES))
def test_what_the_system_refuses_is_an_error_of_ours_with_the_file_and_the_remedy(number: int) -> None:
    error = of_the_system(OSError(number, os.strerror(number), "/srv/cihu/x"))
    assert "/srv/cihu/x" in error.message and error.remedy and error.code != "system"
    assert "strange" in of_the_system(OSError(errno.EILSEQ, "strange")).message


def test_each_switch_that_denies_user_namespaces_has_its_own_remedy(tmp_path: Path) -> None:
    remedies = set()
    for switch in SWITCHES:
        sysctl = tmp_path / switch.file.replace("/", "-")
        for other in SWITCHES:
            file = sysctl / other.file
            file.parent.mkdir(parents=True, exist_ok=True)
            denies = next(value for value in (0, 1, 2) if other.forbids(value) is (other is switch))
            file.write_text(f"{denies}\n")
        what, remedy = why_denied(root=False, sysctl=sysctl, system=tmp_path)
        assert switch.file.rpartition("/")[2] in what and remedy == switch.remedy and "ocker" not in remedy
        remedies.add(remedy)
        as_root = why_denied(root=True, sysctl=sysctl, system=tmp_path)
        assert (as_root[1] == switch.remedy) is switch.root_too, "root is not held by what holds others"
    assert len(remedies) == len(SWITCHES)


def test_only_a_container_is_told_to_change_its_container(tmp_path: Path) -> None:
    assert "ocker" not in " ".join(why_denied(root=False, sysctl=tmp_path, system=tmp_path))
    (tmp_path / ".dockerenv").touch()
    assert "Docker" in why_denied(root=False, sysctl=tmp_path, system=tmp_path)[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a b", "a+b%20c", "磁湖", "it's"])
def test_a_home_may_have_any_name(name: str, short_home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, CITY, short_home / name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as city:
        assert city.stdout is not None and city.stderr is not None
        said = city.stdout.readline()
        city.terminate()
        assert said == "ready\n", city.stderr.read()[-2000:]
