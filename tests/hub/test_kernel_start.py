"""A kernel does nothing of what it is sent before its server lets it begin."""

import os
import queue
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from sandbox.hub import run_folder
from sandbox.hub.kernel_seal import kernel_seal
from sandbox.hub.run_folder import INSIDE_SOCKETS, RunFolder
from sandbox.seals import Bubblewrap, interpreter
from workspace import KERNEL_PYTHON


@pytest.fixture
def folder() -> Iterator[RunFolder]:
    run = Path(tempfile.mkdtemp(prefix="ch"))
    made = run_folder.make(run)
    yield made
    made.remove()
    shutil.rmtree(run)


def test_what_is_sent_before_waits_until_the_sockets_are_shut(folder: RunFolder) -> None:
    """As a cell that is sent during a restart, which ZeroMQ keeps until the new kernel listens."""
    bubblewrap = Bubblewrap()
    folder.clear_sockets(bubblewrap.host.user("kernel of wang") if bubblewrap.host.root else None)
    _, connection = write_connection_file(
        str(folder.connection_file),
        ip=folder.socket_prefix,
        transport="ipc",
        key=b"k",
        shell_port=1,
        iopub_port=2,
        stdin_port=3,
        hb_port=4,
        control_port=5,
    )
    folder.write_connection(connection)
    client = BlockingKernelClient()
    client.load_connection_info(connection)
    seal = kernel_seal(
        person="wang",
        python=KERNEL_PYTHON,
        interpreter=interpreter(KERNEL_PYTHON),
        inbox=folder.inbox,
        sockets=folder.sockets,
        vault_folder=folder.inbox,
    )
    process = bubblewrap.start(seal)
    try:
        client.start_channels(hb=False)
        while not all(folder.has_socket(port) for port in range(1, 6)):
            assert process.poll() is None
            os.sched_yield()
        sent = client.execute("open('/run/channels/before', 'w')", reply=False)
        with pytest.raises(queue.Empty):
            client.get_shell_msg(timeout=3)
        bubblewrap.shut(process, INSIDE_SOCKETS)
        folder.let_begin("")
        answer = client.get_shell_msg(timeout=120)
        assert (answer["parent_header"]["msg_id"], answer["content"]["ename"]) == (sent, "OSError")
        assert not (folder.sockets / "before").exists()
    finally:
        client.stop_channels()
        process.kill()
        process.wait()
