"""Each service knows its own secrets, and nobody else's."""

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.standalone.city_config import Addresses, CityConfig
from sandbox.standalone.s3_settings import Credential
from sandbox.standalone.services import services
from sandbox.standalone.settings import CitySettings

GROUND = CityConfig(
    home=Path("/home/city"),
    settings=CitySettings(),
    addresses=Addresses(
        portal="http://127.0.0.1:1", hub="http://127.0.0.1:2", vault="http://127.0.0.1:3", s3="127.0.0.1:4"
    ),
    vault_database="vault-database",
    portal_database="portal-database",
    courier_database="courier-database",
    vault_store=Credential("va", "vault-store"),
    portal_store=Credential("pa", "portal-store"),
    raw_bucket="raw-bucket",
    product_bucket="product-bucket",
    quarantine_bucket="quarantine-bucket",
    released_bucket="released-bucket",
    hub_client_secret="hub-client",
    hub_crypt_key="hub-crypt",
    puller_secret="puller-secret",
    environment={"PATH": "/bin"},
)

KNOWS = {
    "vault": {
        "vault-database",
        "vault-store",
        "raw-bucket",
        "quarantine-bucket",
        "released-bucket",
        "puller-secret",
    },
    "portal": {"portal-database", "portal-store", "hub-client"},
    "hub": {"hub-client", "hub-crypt"},
}
SECRETS = {secret for known in KNOWS.values() for secret in known}


@pytest.mark.parametrize("part", services(GROUND), ids=lambda part: part.name)
def test_a_service_knows_only_its_own_secrets(part) -> None:  # type: ignore[no-untyped-def]
    assert SECRETS & set(part.environment.values()) == KNOWS[part.name]
    assert not SECRETS & set(part.command)


def test_they_start_in_the_order_in_which_they_lean_on_each_other() -> None:
    assert [part.name for part in services(GROUND)] == ["vault", "portal", "hub"]


def test_a_courier_starts_where_a_mail_server_is_named_and_knows_the_outbox_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CIHU_SMTP_HOST", "mail.example.org")
    monkeypatch.setenv("CIHU_SMTP_PASSWORD_FILE", "/etc/cihu/mail")
    parts = {part.name: part for part in services(GROUND)}
    assert list(parts) == ["vault", "portal", "courier", "hub"]
    environment = parts["courier"].environment
    assert (
        SECRETS & set(environment.values()) == set()
        and environment["CIHU_DATABASE_URL"] == "courier-database"
    )
    assert environment["CIHU_SMTP_PASSWORD_FILE"] == "/etc/cihu/mail"
    assert all("CIHU_SMTP_HOST" not in part.environment for part in parts.values() if part.name != "courier")


def test_a_puller_starts_where_there_are_sources_and_knows_their_secrets_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = CitySettings().policies / "sources.schema.json"
    (tmp_path / "sources.schema.json").write_text(schema.read_text())
    (tmp_path / "sources.yaml").write_text(
        "sources:\n  clinic: {kind: mysql, department: health, host: db, database: c, user: u, "
        "secret: 'env:CLINIC_PASSWORD'}\n"
    )
    monkeypatch.setenv("CLINIC_PASSWORD", "clinic-password")
    monkeypatch.setenv("OTHER_PASSWORD", "other-password")
    parts = {part.name: part for part in services(replace(GROUND, settings=CitySettings(policies=tmp_path)))}
    assert list(parts) == ["vault", "puller", "portal", "hub"]
    knows = {*SECRETS, "clinic-password", "other-password"} & set(parts["puller"].environment.values())
    assert knows == {"puller-secret", "clinic-password"}
    assert all("clinic-password" not in parts[name].environment.values() for name in KNOWS)


def test_the_ground_does_not_print_its_secrets() -> None:
    assert not any(secret in repr(GROUND) for secret in SECRETS)


def test_a_credential_does_not_print_its_secret() -> None:
    assert "vault-store" not in repr(Credential("va", "vault-store"))
