"""What a city lacks is said before anything starts, with the remedy."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.errors import InvalidInput, Unavailable
from sandbox.free_ports import free_ports
from sandbox.standalone.checks import (
    enough_disk,
    enough_memory,
    free_memory_mib,
    lock_home,
    sealed_kernels,
    short_paths,
    writable_home,
)
from sandbox.standalone.ports import by_whom, claimed_port
from sandbox.standalone.settings import ANY_PORTS, PORTS, CitySettings, home_folder, read_settings


def test_a_port_in_use_is_named_with_its_holder_and_the_setting() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(
            Unavailable, match=rf"Port {port}, .* in use by .*process {os.getpid()}.*CIHU_PORTAL_PORT"
        ):
            claimed_port(port, part="portal", setting="CIHU_PORTAL_PORT")


def test_a_free_port_is_taken_as_asked_and_zero_finds_one() -> None:
    (wanted,) = free_ports(1)
    assert claimed_port(wanted, part="portal", setting="CIHU_PORTAL_PORT") == wanted
    assert claimed_port(0, part="portal", setting="CIHU_PORTAL_PORT") > 1023
    assert by_whom(wanted) == ""


def test_free_ports_are_different_and_nobody_else_gets_one() -> None:
    """Whoever asks for any port meanwhile, a server that is told of one can still listen on it."""
    chosen = set(free_ports(200))
    assert len(chosen) == 200
    with ExitStack() as held:
        others = [held.enter_context(socket.socket()) for _ in range(600)]
        for other in others:
            other.bind(("127.0.0.1", 0))
        assert not chosen & {other.getsockname()[1] for other in others}
        for port in chosen:
            held.enter_context(socket.create_server(("127.0.0.1", port)))


def test_the_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "city"
    writable_home(home, ANY_PORTS)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used.*CIHU_HOME"):
        writable_home(tmp_path / "file" / "home", ANY_PORTS)


def test_a_home_whose_sockets_would_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"too long for a unix socket \(107 bytes\).*CIHU_HOME"):
        short_paths(tmp_path / ("x" * 90), ANY_PORTS)
    short_paths(Path("/home/somebody/cihu/.cihu"), ANY_PORTS)


def test_a_second_city_on_the_same_home_is_refused(tmp_path: Path) -> None:
    held = lock_home(tmp_path)
    with pytest.raises(Unavailable, match=rf"already runs in .*process {os.getpid()}"):
        lock_home(tmp_path)
    os.close(held)
    os.close(lock_home(tmp_path))


def test_missing_kernels_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="make setup"):
        sealed_kernels(tmp_path, CitySettings(kernel_python=tmp_path / "python"))


def test_memory_is_read_as_the_system_says_it() -> None:
    assert free_memory_mib("MemTotal: 9 kB\nMemFree:  1 kB\nMemAvailable:   2097152 kB\n") == 2048


def test_this_machine_is_enough(tmp_path: Path) -> None:
    enough_memory(tmp_path, ANY_PORTS)
    enough_disk(tmp_path, ANY_PORTS)


def test_settings_come_from_the_environment() -> None:
    assert read_settings({}) == CitySettings()
    assert read_settings({"CIHU_HUB_PORT": "9001"}).hub_port == 9001
    assert read_settings(dict.fromkeys(PORTS.values(), "0")) == ANY_PORTS
    assert home_folder({"CIHU_HOME": "/srv/x"}) == Path("/srv/x")
    assert home_folder({}) == Path(".cihu").resolve()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"CIHU_HUB_PORT": "hub"}, "CIHU_HUB_PORT"),
        ({"CIHU_HUB_PORT": "70000"}, "CIHU_HUB_PORT"),
        ({"CIHU_HUB_PORT": "-1"}, "CIHU_HUB_PORT"),
        ({"CIHU_HUB_PORT": "8600"}, "same port"),
        ({"CIHU_BIND": "0.0.0.0"}, "loopback only"),
        ({"CIHU_BIND": "192.168.1.2:8600"}, "loopback only"),
        ({"CIHU_BIND": "city.example"}, "loopback only"),
    ],
)
def test_a_wrong_setting_is_named_with_the_remedy(environment: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_settings(environment)


@pytest.mark.parametrize("bind", ["", "127.0.0.1", "127.0.0.1:8600", "localhost:1", "[::1]:8600"])
def test_the_loopback_may_be_named(bind: str) -> None:
    read_settings({"CIHU_BIND": bind})
