"""Objects of a web server and of an object store arrive whole and as they are, or not at all."""

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from object_server import ObjectServer
from sandbox.sources.failures import SourceFailure
from sandbox.sources.read_source import read_source
from sandbox.sources.source_list import DataSource
from sandbox.standalone.s3 import S3Server

BODY = bytes(range(256)) * 20_000


def web(server: ObjectServer, **more: Any) -> DataSource:
    given: dict[str, Any] = {"ca": str(server.authority), "path": "/data", "seconds": 20} | more
    return DataSource("web", "https", "health", "127.0.0.1", server.port, **given)


def read(source: DataSource, name: str) -> bytes:
    with read_source(source, [source.host], chosen=name) as pieces:
        return b"".join(pieces)


def refused(source: DataSource, name: str = "a.csv") -> str:
    with pytest.raises(SourceFailure) as failure:
        read(source, name)
    return failure.value.code


def test_an_object_of_a_web_server(objects: ObjectServer, tmp_path: Path) -> None:
    objects.objects["/data/2026/%E9%97%A8%E8%AF%8A%20a.csv"] = BODY
    assert read(web(objects), "2026/门诊 a.csv") == BODY
    objects.token = "token-of-the-source"
    assert refused(web(objects), "2026/门诊 a.csv") == "source_login_refused"
    (tmp_path / "token").write_text(objects.token + "\n")
    assert read(web(objects, secret=f"file:{tmp_path / 'token'}"), "2026/门诊 a.csv") == BODY
    assert refused(web(objects, secret="file:/nowhere")) == "source_secret_missing"
    objects.token = ""
    assert refused(web(objects), "other.csv") == "source_object_missing"


def test_a_certificate_of_nobody_is_refused(objects: ObjectServer) -> None:
    assert refused(web(objects, ca="")) == "source_tls"
    assert not objects.asked


def test_a_redirect_is_followed_at_the_same_host_alone(objects: ObjectServer) -> None:
    def to(place: str) -> Any:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", place)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return answer

    objects.objects["/data/b.csv"] = BODY
    objects.answers["/data/a.csv"] = to("b.csv")
    assert read(web(objects), "a.csv") == BODY
    for place in (
        "https://localhost:1/b.csv",
        f"https://localhost:{objects.port}/data/b.csv",
        f"http://127.0.0.1:{objects.port}/data/b.csv",
        "https://169.254.169.254/latest/meta-data",
        "//169.254.169.254/latest",
        f"https://u@127.0.0.1:{objects.port}/data/b.csv",
        "a.csv",  # to itself
    ):
        objects.answers["/data/a.csv"] = to(place)
        assert refused(web(objects)) == "source_redirected", place


def test_what_breaks_off_or_drips_is_no_object(objects: ObjectServer) -> None:
    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[:1000])
        handler.close_connection = True

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY)
        handler.close_connection = True

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        for place in range(200):
            handler.wfile.write(BODY[place : place + 1])
            time.sleep(0.05)  # a server that is slow, and never silent

    objects.answers["/data/a.csv"] = short
    assert refused(web(objects)) == "source_cut"
    objects.answers["/data/a.csv"] = endless
    assert refused(web(objects)) == "source_failed"
    # were each byte waited for alone, it would be cut off at the end
    objects.answers["/data/a.csv"] = drip
    assert refused(web(objects, seconds=1)) == "source_timeout"


def test_an_object_of_an_object_store(s3: S3Server, tmp_path: Path) -> None:
    store = s3.product_store()
    store.ensure()
    store.put("departments/visits.csv", BODY)
    host, _, port = s3.endpoint.rpartition(":")
    (tmp_path / "key").write_text(s3.portal.secret_key)

    def source(**more: Any) -> DataSource:
        given: dict[str, Any] = {
            "user": s3.portal.access_key,
            "secret": f"file:{tmp_path / 'key'}",
            "bucket": s3.product_bucket,
            "tls": False,
            "seconds": 20,
        } | more
        return DataSource("lake", "s3", "health", host.rpartition("/")[2], int(port), **given)

    assert read(source(), "departments/visits.csv") == BODY
    assert refused(source(), "departments/none.csv") == "source_object_missing"
    (tmp_path / "wrong").write_text("wrong")
    assert (
        refused(source(secret=f"file:{tmp_path / 'wrong'}"), "departments/visits.csv")
        == "source_login_refused"
    )
    assert refused(source(bucket=s3.raw_bucket), "departments/visits.csv") in {
        "source_no_rights",
        "source_object_missing",
    }
