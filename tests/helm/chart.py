"""The chart as Helm itself renders it, read back as Kubernetes objects."""

from pathlib import Path
from typing import Any

import helm_python as helm
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "cihu"
PEER = [{"ipBlock": {"cidr": "10.1.2.3/32"}}]

DEFAULTS: dict[str, Any] = {}
WHOLE = {
    "networkIsEncrypted": True,
    "portal": {
        "url": "https://portal.city.example",
        "replicas": 3,
        "sharedKeysSecret": "portal-keys",
        "identityProviders": {
            "secret": "provider-secrets",
            "egress": [{"to": PEER, "ports": [{"protocol": "TCP", "port": 443}]}],
        },
    },
    "policies": {"configMap": "rules"},
    "hub": {
        "enabled": True,
        "url": "https://hub.city.example",
        "seal": {
            "hostUsers": False,
            "procMount": "Unmasked",
            "seccompProfile": {"type": "Localhost", "localhostProfile": "cihu.json"},
        },
    },
    "puller": {
        "enabled": True,
        "sourcesSecret": "sources",
        "sources": [{"to": PEER, "ports": [{"protocol": "TCP", "port": 3306}]}],
    },
    "courier": {
        "enabled": True,
        "smtp": {
            "host": "mail.city.example",
            "user": "cihu",
            "passwordSecret": "mail",
            "caSecret": "mail-ca",
        },
        "sender": "notices@city.example",
        "mailServer": PEER,
    },
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "city-tls"},
    "imagePullSecrets": [{"name": "pull"}],
}
OWN = {
    "networkIsEncrypted": True,
    "postgres": {"enabled": False, "external": {"peers": PEER}},
    "minio": {
        "enabled": False,
        "external": {"endpoint": "s3.city.example:9000", "port": 9000, "peers": PEER},
    },
    "migration": {"existingSecret": "owner"},
    "hubClient": {"existingSecret": "client"},
    "vault": {"existingSecret": "vault-keys"},
    "portal": {"existingSecret": "portal-keys"},
}
VALUES = {"defaults": DEFAULTS, "whole": WHOLE, "own": OWN}


def render(values: dict[str, Any], *, install: bool = True) -> list[dict[str, Any]]:
    """Every object of the release `city`, in the namespace `cihu`."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(
            values, name="city", namespace="cihu", is_install=install, is_upgrade=not install
        )
    return [
        found
        for name, text in files.items()
        if name.endswith(".yaml")
        for found in yaml.safe_load_all(text)
        if found
    ]


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod of each workload, by its component, with its labels."""
    found = [one for one in objects if one["kind"] in ("StatefulSet", "Deployment", "Job")]
    return {
        one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]["template"]
        for one in found
    }


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
