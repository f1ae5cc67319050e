"""Raw bytes rest encrypted, in versions, and nobody but the vault can have them."""

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from minio.commonconfig import ENABLED
from minio.versioningconfig import VersioningConfig

from sandbox.errors import InvalidInput, NotFound, Unavailable
from sandbox.standalone.s3 import S3Server
from sandbox.storage import ProductStore, RawStore
from sandbox.storage.protection import is_public

CANARY = b"canary-4f2a-do-not-rest-in-clear"
PUBLIC_READ = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]},
 "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::%s/*"]}]}"""


@pytest.fixture(scope="module")
def raw(s3: S3Server) -> RawStore:
    return s3.raw_store()


def files_with(folder: Path, needle: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and needle in path.read_bytes()]


def test_what_was_put_comes_back_by_its_version(raw: RawStore) -> None:
    first = raw.put("health.visits/1.parquet", b"first")
    second = raw.put("health.visits/1.parquet", b"second")
    assert first.version_id != second.version_id
    assert raw.get(first.name, first.version_id) == b"first"
    assert raw.get(second.name, second.version_id) == b"second"
    assert (first.size, second.size) == (5, 6)


@pytest.mark.parametrize("repeats", [1, 300_000])  # one chunk; several, some past the multipart threshold
def test_the_servers_files_never_hold_the_bytes_in_clear(s3: S3Server, raw: RawStore, repeats: int) -> None:
    stored = raw.put(f"canary/{repeats}", CANARY * repeats)
    assert raw.get(stored.name, stored.version_id) == CANARY * repeats
    assert files_with(s3.home, CANARY) == []


def test_the_search_for_clear_bytes_would_find_them(tmp_path: Path) -> None:
    (tmp_path / "volume").write_bytes(b"..." + CANARY)
    assert files_with(tmp_path, CANARY)


def test_bytes_put_without_asking_are_encrypted_too(s3: S3Server, raw: RawStore) -> None:
    import io

    needle = b"canary-default-encryption-91ab"
    raw.client.put_object(raw.bucket, "plain", io.BytesIO(needle), len(needle))
    assert files_with(s3.home, needle) == []


def test_nobody_without_keys_gets_anything(s3: S3Server, raw: RawStore) -> None:
    raw.put("secret", b"x")
    for path in (
        "",
        raw.bucket,
        f"{raw.bucket}/secret",
        f"{raw.bucket}?list-type=2",
        f"{raw.bucket}/secret?acl",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{s3.endpoint}/{path}")
        assert refused.value.code == 403


def test_the_portals_keys_do_not_open_the_raw_bucket(s3: S3Server, raw: RawStore) -> None:
    stored = raw.put("secret", b"x")
    portal = ProductStore(s3.endpoint, s3.portal.access_key, s3.portal.secret_key, s3.raw_bucket)
    for deed in (lambda: portal.get("secret", stored.version_id), lambda: portal.put("secret", b"y")):
        with pytest.raises(Unavailable, match="refuses these keys"):
            deed()
    raw_with_portal_keys = RawStore(s3.endpoint, s3.portal.access_key, s3.portal.secret_key, s3.raw_bucket)
    with pytest.raises(Unavailable, match="refuses these keys"):
        raw_with_portal_keys.get("secret", stored.version_id)


def test_the_portals_keys_read_products_and_cannot_write_them(s3: S3Server) -> None:
    stored = s3.product_store().put("inspections/open.parquet", b"rows")
    portal = ProductStore(s3.endpoint, s3.portal.access_key, s3.portal.secret_key, s3.product_bucket)
    assert portal.get(stored.name, stored.version_id) == b"rows"
    with pytest.raises(Unavailable, match="refuses these keys"):
        portal.put("inspections/open.parquet", b"others")
    with pytest.raises(Unavailable, match="refuses these keys"):
        portal.ensure()


def test_a_wrong_secret_is_refused_with_the_setting_to_remedy(s3: S3Server) -> None:
    wrong = RawStore(s3.endpoint, s3.vault.access_key, "wrong", s3.raw_bucket)
    with pytest.raises(Unavailable, match="CIHU_S3_SECRET_KEY"):
        wrong.ensure()


def test_an_absent_object_or_version_is_not_found(raw: RawStore) -> None:
    stored = raw.put("there", b"x")
    for name, version in (("nowhere", stored.version_id), ("there", "0" * 32)):
        with pytest.raises(NotFound):
            raw.get(name, version)


def test_a_damaged_object_is_not_handed_out(raw: RawStore) -> None:
    import io

    written = raw.client.put_object(
        raw.bucket, "damaged", io.BytesIO(b"other bytes"), 11, metadata={"x-amz-meta-sha256": "0" * 64}
    )
    with pytest.raises(Unavailable, match="damaged"):
        raw.get("damaged", str(written.version_id))


def test_an_unversioned_bucket_is_refused(s3: S3Server, tmp_path: Path) -> None:
    store = RawStore(s3.endpoint, s3.vault.access_key, s3.vault.secret_key, s3.raw_bucket)
    store.client.set_bucket_versioning(store.bucket, VersioningConfig("Suspended"))
    try:
        for deed in (store.ensure, lambda: store.put("x", b"x"), lambda: store.get("x", "1")):
            with pytest.raises(Unavailable, match="does not keep versions"):
                deed()
    finally:
        store.client.set_bucket_versioning(store.bucket, VersioningConfig(ENABLED))


def test_a_public_bucket_is_refused(s3: S3Server) -> None:
    store = RawStore(s3.endpoint, s3.vault.access_key, s3.vault.secret_key, s3.raw_bucket)
    store.client.set_bucket_policy(store.bucket, PUBLIC_READ % store.bucket)
    try:
        with pytest.raises(Unavailable, match="everybody"):
            store.ensure()
        with pytest.raises(Unavailable, match="everybody"):
            store.put("x", b"x")
    finally:
        store.client.delete_bucket_policy(store.bucket)
    store.ensure()


@pytest.mark.parametrize(
    ("policy", "public"),
    [
        ("", False),
        ('{"Statement": [{"Effect": "Deny", "Principal": "*"}]}', False),
        ('{"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::1:user/vault"]}}]}', False),
        ('{"Statement": [{"Effect": "Allow", "Principal": "*"}]}', True),
        ('{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}}}', True),
        (PUBLIC_READ % "x", True),
    ],
)
def test_a_policy_for_everybody_is_recognised(policy: str, public: bool) -> None:
    assert is_public(policy) is public


@pytest.mark.parametrize(
    "name", ["", "/x", "../x", "x/../y", "x//y", "X", "x y", "x/", "磁湖", "x" * 513, ".hidden", "x\n"]
)
def test_a_name_that_could_surprise_is_refused(raw: RawStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        raw.put(name, b"x")
    with pytest.raises(InvalidInput):
        raw.get(name, "1")


def test_a_store_that_is_not_there_is_a_clear_message() -> None:
    with pytest.raises(Unavailable, match="cannot be reached.*CIHU_S3_ENDPOINT"):
        RawStore("127.0.0.1:9", "k", "s", "cihu-raw").ensure()


def test_an_endpoint_may_be_a_url() -> None:
    assert RawStore("https://minio.example:9000", "k", "s", "b").secure
    assert RawStore("http://127.0.0.1:9000/", "k", "s", "b").endpoint == "127.0.0.1:9000"


class TakenPort(S3Server):
    """One of whose ports somebody takes between the choice and the start."""

    def _spawn(self) -> None:
        if not hasattr(self, "taken"):
            self.taken = socket.create_server(("127.0.0.1", self.ports["filer"]))
            self.known = self.endpoint
        super()._spawn()


def test_a_server_whose_port_was_taken_meanwhile_starts_at_another(tmp_path: Path) -> None:
    server = TakenPort(tmp_path / "s3", tmp_path / "log")
    try:
        server.start()
        assert server.endpoint == server.known, "others were told it already"
        assert b"address already in use" in (tmp_path / "log").read_bytes()
    finally:
        server.stop()
        server.taken.close()
