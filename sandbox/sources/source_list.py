"""Reads policies/sources.yaml: the sources from which data may be pulled, by name. No secret stands in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.policy import YamlText

Kind = Literal["postgres", "mysql", "sqlite", "s3", "https"]
PORTS = {"postgres": 5432, "mysql": 3306, "sqlite": 0, "s3": 443, "https": 443}
TABLES = frozenset({"postgres", "mysql", "sqlite"})
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
SECONDS = 1800


@dataclass(frozen=True)
class DataSource:
    """One source. `secret`: where the puller finds the password or key. `seconds`: of one pull at most."""

    name: str
    kind: Kind
    department: str
    host: str = ""
    port: int = 0
    database: str = ""
    user: str = ""
    secret: str = ""
    tls: bool = True
    ca: str = ""
    path: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    seconds: int = SECONDS

    @property
    def has_tables(self) -> bool:
        """Whether tables and queries are read from it; else objects."""
        return self.kind in TABLES


def read_sources(policies: Path) -> dict[str, DataSource]:
    """The sources by name; none where the file is missing. Raises `InvalidInput` with the lines of faults."""
    file = policies / "sources.yaml"
    if not file.is_file():
        return {}
    text = YamlText(file.read_text("utf-8"), policies / "sources.schema.json", what="policies/sources.yaml")
    return {name: _source(name, fields) for name, fields in text.document["sources"].items()}


def _source(name: str, fields: dict[str, Any]) -> DataSource:
    host = fields.get("host", "")
    tls = fields.get("tls", "off" if host in LOOPBACK else "required") == "required"
    plain = {"tls": tls, "port": fields.get("port", PORTS[fields["kind"]])}
    return DataSource(name=name, **(fields | plain))
