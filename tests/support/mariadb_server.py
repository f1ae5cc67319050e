"""A real MariaDB in a folder of its own, with TLS and a reader who may read one schema."""

import datetime
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from sandbox.free_ports import free_port
from sandbox.standalone.certificate import write_certificate
from sandbox.standalone.parent_death_signal import leash

SERVER, INSTALL = "mariadbd", "mariadb-install-db"
READER, PASSWORD, DATABASE = "cihu_reader", "r3ader-of-one-schema", "clinic"
START_SECONDS = 60


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def is_installed() -> bool:
    return program(SERVER) is not None and program(INSTALL) is not None


@dataclass
class MariaDB:
    home: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def authority(self) -> Path:
        return self.home / "ca.pem"

    def start(self) -> None:
        data = self.home / "data"
        with (self.home / "log").open("ab") as log:
            subprocess.run(
                [
                    str(program(INSTALL)),
                    "--no-defaults",
                    f"--datadir={data}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--user=root",
                ],
                check=True,
                stdout=log,
                stderr=log,
            )
            write_certificate(self.authority, self.home / "key.pem", now=datetime.datetime.now(datetime.UTC))
            self.process = subprocess.Popen(
                [
                    str(program(SERVER)),
                    "--no-defaults",
                    f"--datadir={data}",
                    f"--socket={self.home / 's'}",
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    "--user=root",
                    "--innodb-flush-log-at-trx-commit=0",
                    "--innodb-buffer-pool-size=32M",
                    "--innodb-log-file-size=8M",
                    "--performance-schema=OFF",
                    "--skip-name-resolve",
                    f"--ssl-cert={self.authority}",
                    f"--ssl-key={self.home / 'key.pem'}",
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=leash(),
            )
        self.execute(
            f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4",
            f"CREATE USER {READER} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT ON {DATABASE}.* TO {READER}",
        )

    def owner(self) -> Any:
        return pymysql.connect(unix_socket=str(self.home / "s"), user="root", autocommit=True)

    def execute(self, *statements: str) -> None:
        """As the owner; waits for the server the first time."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connection = self.owner()
                break
            except pymysql.MySQLError:
                assert self.process is not None and self.process.poll() is None
                assert time.monotonic() < deadline, (self.home / "log").read_text()
                time.sleep(0.05)  # its socket is the event, and nothing else tells of it
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(120)
