"""Reads `policies/identity_providers.yaml`: which providers log people in, and what is taken from them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marketplace.settings import is_loopback
from sandbox.errors import InvalidInput, NotFound
from sandbox.policy.yaml_text import YamlText

FILE = "identity_providers.yaml"
ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""What ID tokens may be signed with. No algorithm with a shared secret and never "none": a public key would
be such a secret (RFC 8725, section 2.1)."""


@dataclass(frozen=True)
class CityProvider:
    """One provider. `person_claim` names a person as the city knows them; with `join_invited`, somebody whose
    value is the id of an invited account takes that account. `acr`, `amr`: values by which the provider says
    that a second factor was used. `organisations`: what the claim of an organisation calls ours.
    `create_in`: the organisation of whom nobody knows yet, or "" to make no accounts."""

    id: str
    name_zh: str
    name_en: str
    issuer: str
    client_id: str
    secret_file: Path
    secret_in_form: bool
    scopes: tuple[str, ...]
    person_claim: str
    organisation_claim: str
    organisations: dict[str, str] = field(hash=False)
    join_invited: bool
    create_in: str
    acr: tuple[str, ...]
    amr: frozenset[str]
    step_up_seconds: int
    algorithms: tuple[str, ...]
    skew_seconds: int

    @property
    def words(self) -> dict[str, str]:
        """Its name, for a page to pick the language."""
        return {"name_zh": self.name_zh, "name_en": self.name_en}

    def secret(self) -> str:
        """Read at each use, so that a new one needs no restart. Raises `InvalidInput`."""
        try:
            secret = self.secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            secret = ""
        if not secret:
            raise InvalidInput(
                f"The client secret of the identity provider {self.id!r} cannot be read.",
                code="city_secret_missing",
                remedy=f"Write it to {self.secret_file}, readable by the portal alone.",
                zh=f"无法读取身份认证平台 {self.id} 的客户端密钥。",
                remedy_zh=f"请将密钥写入 {self.secret_file}，仅允许门户读取。",
            )
        return secret


def unknown_provider() -> NotFound:
    return NotFound(
        "There is no such identity provider.",
        remedy="Choose one of the log-in page.",
        zh="没有这一身份认证平台。",
        remedy_zh="请从登录页选择。",
    )


def read_providers(policies: Path, home: Path) -> tuple[CityProvider, ...]:
    """The providers, as the sign-in page lists them; none where there is no such file. A secret's path that
    is not absolute begins in `home`. Raises `InvalidInput`, naming the line."""
    path = policies / FILE
    if not path.exists():
        return ()
    document = YamlText(
        path.read_text("utf-8"), path.with_name("identity_providers.schema.json"), what=f"policies/{FILE}"
    ).document
    found = tuple(provider_of(each, home) for each in document["providers"])
    for what in ("id", "issuer"):
        values = [getattr(each, what) for each in found]
        if twice := sorted({each for each in values if values.count(each) > 1}):
            raise InvalidInput(
                f"policies/{FILE} has two providers with the {what} {twice[0]!r}.",
                remedy="Keep one of them.",
                zh=f"policies/{FILE} 中有两个身份认证平台的 {what} 相同：{twice[0]}。",
                remedy_zh="请只保留一个。",
            )
    for each in found:
        each.secret()
    return found


def provider_of(given: dict[str, Any], home: Path) -> CityProvider:
    claims, second = given.get("claims", {}), given.get("second_factor", {})
    require_safe(given["issuer"], what=f"The issuer of {given['id']!r}")
    creates = given.get("create", {})
    return CityProvider(
        id=given["id"],
        name_zh=given["name"]["zh"],
        name_en=given["name"]["en"],
        issuer=given["issuer"],
        client_id=given["client_id"],
        secret_file=home / given["secret_file"],
        secret_in_form=given.get("client_authentication") == "client_secret_post",
        scopes=tuple(given.get("scopes", ("openid", "profile"))),
        person_claim=claims.get("person", ""),
        organisation_claim=claims.get("organisation", ""),
        organisations=dict(given.get("organisations", {})),
        join_invited=given.get("join_invited", False),
        create_in=creates.get("organisation", ""),
        acr=tuple(second.get("acr", ())),
        amr=frozenset(second.get("amr", ())),
        step_up_seconds=second.get("max_age_seconds", 900),
        algorithms=tuple(given.get("algorithms", ALGORITHMS[:-2])),
        skew_seconds=given.get("clock_skew_seconds", 60),
    )


def is_safe(address: str) -> bool:
    """Whether an address is https, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def is_safe_for(issuer: str, address: str) -> bool:
    """Whether an issuer's metadata may name an address: a provider on https has nothing in the clear, on this
    machine neither."""
    return is_safe(address) and (address.startswith("https:") or not issuer.startswith("https:"))


def require_safe(address: str, *, what: str) -> None:
    if not is_safe(address):
        raise InvalidInput(
            f"{what} is {address[:100]!r}, which is not an https address.",
            remedy="Give the provider's https address; http is for this machine alone.",
            zh=f"身份认证平台的地址 {address[:100]} 不是 https 地址。",
            remedy_zh="请填写 https 地址；仅本机可用 http。",
        )
