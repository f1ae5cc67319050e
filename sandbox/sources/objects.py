"""Reads one object of an object store or a web server, as it is, piece by piece."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sandbox.sources.deadline import Deadline
from sandbox.sources.failures import SourceFailure
from sandbox.sources.object_names import checked_object
from sandbox.sources.source_list import DataSource
from sandbox.sources.tls_context import tls_context

PIECE = 1 << 20
CONNECT_SECONDS, STALLED_SECONDS = 15, 60
MOST_REDIRECTS = 3
S3_CODES = {
    "NoSuchKey": "source_object_missing",
    "NoSuchBucket": "source_object_missing",
    "AccessDenied": "source_no_rights",
    "SignatureDoesNotMatch": "source_login_refused",
    "InvalidAccessKeyId": "source_login_refused",
}
HTTP_CODES = {
    401: "source_login_refused",
    403: "source_no_rights",
    404: "source_object_missing",
    410: "source_object_missing",
}


def _watched_pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, of which every connection is watched."""

    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made.fileno())
            return made

    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made.fileno())
            return made

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": PlainPool, "https": SecurePool}


@contextmanager
def s3_object(source: DataSource, secret: str, name: str, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    """Raises `SourceFailure`."""
    with urllib3.PoolManager(
        maxsize=1,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=STALLED_SECONDS),
        retries=False,
        ssl_context=tls_context(source) if source.tls else None,
    ) as pool:
        pool.pool_classes_by_scheme = _watched_pools(deadline)
        client = Minio(
            f"{source.host}:{source.port}",
            source.user,
            secret,
            secure=source.tls,
            region=source.region,
            http_client=pool,
        )
        try:
            response = client.get_object(source.bucket, checked_object(name))
            try:
                yield _pieces(response.stream(PIECE), deadline)
            finally:
                response.close()
        except S3Error as error:
            code = S3_CODES.get(str(error.code), "source_failed")
            raise SourceFailure(code, internal=str(error.code)[:40]) from None
        except urllib3.exceptions.SSLError:
            raise SourceFailure("source_tls") from None
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise deadline.failure("source_unreachable", internal=type(error).__name__) from None
        except urllib3.exceptions.ReadTimeoutError:
            raise SourceFailure("source_timeout") from None
        except (urllib3.exceptions.HTTPError, MinioException, OSError) as error:
            raise deadline.failure("source_cut", internal=type(error).__name__) from None


@contextmanager
def https_object(source: DataSource, secret: str, name: str, deadline: Deadline) -> Iterator[Iterator[bytes]]:
    """A redirect is followed at the same host alone. Raises `SourceFailure`."""
    scheme = "https" if source.tls else "http"
    host = f"[{source.host}]" if ":" in source.host else source.host
    origin = f"{scheme}://{host}:{source.port}"
    url = f"{origin}{quote(source.path.rstrip('/'))}/{quote(checked_object(name))}"
    headers = {"Accept-Encoding": "identity"}

    def watch(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            deadline.watch(info["return_value"].get_extra_info("socket").fileno())

    if secret and not source.user:
        headers["Authorization"] = f"Bearer {secret}"
    try:
        with httpx.Client(
            verify=tls_context(source) if source.tls else False,
            auth=httpx.BasicAuth(source.user, secret) if source.user else None,
            headers=headers,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(STALLED_SECONDS, connect=CONNECT_SECONDS),
        ) as client:
            for _ in range(MOST_REDIRECTS + 1):
                with client.stream("GET", url, extensions={"trace": watch}) as response:
                    if response.is_redirect:
                        url = _redirected(response)
                        continue
                    _require_whole(response)
                    yield _pieces(response.iter_raw(PIECE), deadline)
                    return
            raise SourceFailure("source_redirected")
    except httpx.ConnectError as error:
        code = "source_tls" if "SSL" in str(error) or "certificate" in str(error) else "source_unreachable"
        raise deadline.failure(code, internal=type(error).__name__) from None
    except httpx.ConnectTimeout:
        raise SourceFailure("source_unreachable") from None
    except httpx.TimeoutException:
        raise SourceFailure("source_timeout") from None
    except httpx.HTTPError as error:
        raise deadline.failure("source_cut", internal=type(error).__name__) from None


def _require_whole(response: httpx.Response) -> None:
    """Raises `SourceFailure` unless the object comes, and its end can be told from a broken connection."""
    if response.status_code != 200:
        code = HTTP_CODES.get(response.status_code, "source_failed")
        raise SourceFailure(code, internal=f"status {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise SourceFailure("source_failed", internal="a coded body")
    if not {"content-length", "transfer-encoding"} & {*response.headers}:
        raise SourceFailure("source_failed", internal="a body of unknown length")


def _redirected(response: httpx.Response) -> str:
    where = response.request.url.join(response.headers.get("location", ""))
    parts = urlsplit(str(where))
    here = response.request.url
    if (parts.scheme, parts.hostname, where.port, where.userinfo) != (here.scheme, here.host, here.port, b""):
        raise SourceFailure("source_redirected")
    return str(where)


def _pieces(pieces: Iterator[bytes], deadline: Deadline) -> Iterator[bytes]:
    for piece in pieces:
        deadline.check()
        yield piece
    deadline.check()
