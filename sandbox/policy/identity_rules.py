"""Reads the rules of logins from `policies/identity.yaml`."""

from datetime import timedelta
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.identity.rules import IdentityRules, LoginLimits, PasswordRules
from sandbox.policy.yaml_text import YamlText


def read_identity_rules(policies: Path) -> IdentityRules:
    """Raises `InvalidInput`, naming the line."""
    path = policies / "identity.yaml"
    if not path.exists():
        raise InvalidInput(
            f"{path} is missing.",
            remedy="Copy identity.yaml and identity.schema.json from the policies of this release.",
            zh=f"缺少 {path}。",
            remedy_zh="请从本版本的 policies 文件夹复制 identity.yaml 和 identity.schema.json。",
        )
    document = YamlText(
        path.read_text("utf-8"), path.with_name("identity.schema.json"), what=f"{policies.name}/{path.name}"
    ).document
    logins = document["logins"]
    return IdentityRules(
        passwords=PasswordRules(**document["passwords"]),
        logins=LoginLimits(
            pair=logins["pair"],
            account=logins["account"],
            codes=logins["codes"],
            window=timedelta(minutes=logins["window_minutes"]),
            slow=timedelta(seconds=logins["slow_seconds"]),
            codes_window=timedelta(minutes=logins["codes_window_minutes"]),
        ),
        second_factor_roles=frozenset(document["second_factor"]["roles"]),
        invitation_life=timedelta(hours=document["invitations"]["hours"]),
        administration=document["administration"],
    )
