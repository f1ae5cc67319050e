"""Translates a failure of the object store into one of our errors, with the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from sandbox.errors import CihuError, NotFound, Unavailable

ABSENT = {"NoSuchKey", "NoSuchVersion", "NoSuchObject", "InvalidVersionId"}
KEYS_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
CLOCKS_APART = {"RequestTimeTooSkewed", "RequestExpired"}
DISK_FULL = {"XMinioStorageFull", "InsufficientStorage", "StorageFull"}
NO_ENCRYPTION = {"NotImplemented", "KMSNotConfigured", "InvalidEncryptionMethodError"}


@contextmanager
def translated(endpoint: str, bucket: str) -> Iterator[None]:
    """Turn the client's errors into ours, for one request to `bucket` at `endpoint`."""
    try:
        yield
    except S3Error as error:
        raise meaning(error, endpoint, bucket) from error
    except (MinioException, HTTPError, OSError) as error:
        raise Unavailable(
            f"The object store at {endpoint} cannot be reached.",
            code="storage_unreachable",
            remedy="Is it running, and is CIHU_S3_ENDPOINT right?",
            internal=type(error).__name__,
        ) from error


def meaning(error: S3Error, endpoint: str, bucket: str) -> CihuError:
    """The one of our errors that says what the store's code means."""
    internal = f"{error.code} for {bucket}/{error.object_name or ''}"
    if error.code in ABSENT:
        return NotFound(f"There is no such object or version in the bucket {bucket}.", internal=internal)
    if error.code == "NoSuchBucket":
        return Unavailable(
            f"The bucket {bucket} does not exist at {endpoint}.",
            code="storage_bucket_missing",
            remedy=(
                "Start the vault once (it makes the bucket), or correct the bucket's name in the settings."
            ),
        )
    if error.code in KEYS_REFUSED:
        return Unavailable(
            f"The object store at {endpoint} refuses these keys for the bucket {bucket}.",
            code="storage_refused",
            internal=internal,
            remedy="Correct CIHU_S3_ACCESS_KEY and CIHU_S3_SECRET_KEY, or their rights on the bucket.",
        )
    if error.code in CLOCKS_APART:
        return Unavailable(
            f"The clock of the object store at {endpoint} and this machine's are too far apart.",
            code="clocks_apart",
            internal=internal,
            remedy="Set both by NTP (timedatectl set-ntp true).",
            zh="对象存储与本机的时钟相差过大。",
            remedy_zh="请用 NTP 校准两边的时钟（timedatectl set-ntp true）。",
        )
    if error.code in DISK_FULL:
        return Unavailable(
            f"The disk of the object store at {endpoint} is full.",
            code="disk_full",
            internal=internal,
            remedy="Free some space there, or give it a larger disk.",
            zh="对象存储的磁盘已满。",
            remedy_zh="请清理空间或扩容。",
        )
    if error.code in NO_ENCRYPTION:
        return Unavailable(
            f"The object store at {endpoint} cannot encrypt at rest.",
            code="storage_unencrypted",
            internal=internal,
            remedy="Give it a key for SSE-S3 (MinIO: MINIO_KMS_SECRET_KEY).",
        )
    return Unavailable(
        f"The object store at {endpoint} failed.",
        code="storage_failed",
        internal=internal,
        remedy="See its log.",
    )
