"""Makes a bucket fit for raw data: set private, versioned, encrypted at rest, then proved by trying, and
refused otherwise.

Settings say what should hold; the probe object shows what does: it is written without asking for encryption
and must come out encrypted, with a version, and nobody without keys may read it. So a server that stores a
setting and ignores it is found.
"""

import io
import json
import secrets

from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import S3Error
from minio.sseconfig import Rule, SSEConfig
from minio.versioningconfig import VersioningConfig
from urllib3 import PoolManager

from sandbox.errors import Unavailable

PROBES = "cihu-probe/"


def make(client: Minio, bucket: str) -> None:
    """Create `bucket` if it is not there, and set versioning and encryption by default on a new one."""
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket)
        client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    if client.get_bucket_encryption(bucket) is None:
        client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_s3_rule()))


def prove(client: Minio, http: PoolManager, address: str, bucket: str) -> None:
    """Raise `Unavailable` unless `bucket` (at the URL `address`) is private,
    versioned and encrypted at rest."""
    if client.get_bucket_versioning(bucket).status != ENABLED:
        raise unfit(
            bucket,
            "does not keep versions",
            "unversioned",
            "Turn versioning on for it, or name another bucket.",
        )
    if is_public(bucket_policy(client, bucket)):
        raise unfit(
            bucket,
            "is open to everybody by its policy",
            "public",
            "Remove that policy, or name another bucket.",
        )
    probe = f"{PROBES}{secrets.token_hex(8)}"
    written = client.put_object(bucket, probe, io.BytesIO(b"probe"), 5)
    version = written.version_id or ""
    try:
        kept = client.stat_object(bucket, probe, version_id=version)
        if not (kept.metadata or {}).get("x-amz-server-side-encryption"):
            raise unfit(
                bucket,
                "does not encrypt at rest",
                "unencrypted",
                "Turn SSE-S3 on for it (MinIO: MINIO_KMS_SECRET_KEY on the server, then mc encrypt set).",
            )
        for path in (f"{address}/{bucket}/{probe}", f"{address}/{bucket}?list-type=2"):
            if http.request("GET", path).status < 400:
                raise unfit(
                    bucket, "can be read without keys", "public", "Make it private, or name another bucket."
                )
    finally:
        client.remove_object(bucket, probe, version_id=version)


def is_public(policy: str) -> bool:
    """Whether this bucket policy (JSON, may be empty) allows anything to everybody."""
    statements = json.loads(policy or "{}").get("Statement", [])
    return any(
        statement.get("Effect") == "Allow" and everybody(statement.get("Principal"))
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def everybody(principal: object) -> bool:
    if isinstance(principal, dict):
        return any(everybody(named) for named in principal.values())
    return principal == "*" or (isinstance(principal, list) and "*" in principal)


def bucket_policy(client: Minio, bucket: str) -> str:
    try:
        return client.get_bucket_policy(bucket)
    except S3Error as error:
        if error.code == "NoSuchBucketPolicy":
            return ""
        raise


def unfit(bucket: str, why: str, code: str, remedy: str) -> Unavailable:
    return Unavailable(f"The bucket {bucket} {why}: it is not used.", code=f"storage_{code}", remedy=remedy)
