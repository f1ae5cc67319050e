"""Defines who pushes rows: an officer, or a machine with a credential of one dataset."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from sandbox.database import Database
from sandbox.errors import NotAuthenticated
from sandbox.identity import Principal
from sandbox.identity.scannable_secret import is_well_formed, make_secret
from sandbox.pushes.tables import push_credentials

PREFIX = "cihu_push_"


@dataclass(frozen=True)
class MachinePusher:
    """A credential that is good. `dataset`: the only one it is for."""

    credential: int
    dataset: str

    @property
    def name(self) -> str:
        return f"credential:{self.credential}"


@dataclass(frozen=True)
class OfficerPusher:
    principal: Principal

    @property
    def name(self) -> str:
        return f"officer:{self.principal.id}"


Pusher = MachinePusher | OfficerPusher


def new_secret() -> str:
    return make_secret(PREFIX)


def hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def is_push_secret(text: str) -> bool:
    return text.startswith(PREFIX)


def machine_of(database: Database, secret: str) -> MachinePusher:
    """Whose secret it is. Raises `NotAuthenticated`, for whatever reason it is not good."""
    row = None
    if is_well_formed(PREFIX, secret):
        with database.transaction() as tx:
            row = tx.execute(
                select(push_credentials).where(push_credentials.c.secret_sha256 == hash_secret(secret))
            ).first()
    if row is None or row.state == "revoked" or row.expires_at <= datetime.now(UTC):
        raise NotAuthenticated(
            "This push credential is not good, or not any more.",
            remedy="Ask an officer of the department to issue another.",
            zh="该推送凭据无效或已失效。",
            remedy_zh="请部门数据专员重新签发。",
        )
    return MachinePusher(row.id, row.dataset)
