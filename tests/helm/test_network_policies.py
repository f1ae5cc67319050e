"""Who may talk to whom in the cluster is exactly the trust table of the design:
what both sides allow, and nothing else."""

from typing import Any

import pytest
from chart import DEFAULTS, OWN, VALUES, WHOLE, pods, render

FRONT, DNS, OUTSIDE = "front", "dns", "outside"
Flow = tuple[str, str, int]

WAYS: set[Flow] = {
    (FRONT, "portal", 8600),
    ("portal", "vault", 8602),
    ("portal", "postgres", 5432),
    ("vault", "postgres", 5432),
    ("migration", "postgres", 5432),
    ("portal", "minio", 9000),
    ("vault", "minio", 9000),
    ("storage-keys", "minio", 9000),
}
# the hub asks the portal by its public address; kernels, in its pod, ask the vault's second port
NOTEBOOKS: set[Flow] = {
    (FRONT, "hub", 8601),
    ("hub", FRONT, 443),
    ("hub", "vault", 8602),
    ("hub", "vault", 8604),
}
# nobody comes in to the puller
PULLS: set[Flow] = {("puller", "vault", 8602), ("puller", OUTSIDE, 3306)}
# nor to the courier
MAILS: set[Flow] = {("courier", "postgres", 5432), ("courier", OUTSIDE, 587)}
PROVIDERS: set[Flow] = {("portal", OUTSIDE, 443)}
OWN_SERVERS: set[Flow] = {
    (FRONT, "portal", 8600),
    ("portal", "vault", 8602),
    *((part, OUTSIDE, 5432) for part in ("portal", "vault", "migration")),
    *((part, OUTSIDE, 9000) for part in ("portal", "vault")),
}
EXPECTED = {"defaults": WAYS, "whole": WAYS | NOTEBOOKS | PULLS | MAILS | PROVIDERS, "own": OWN_SERVERS}
NO_NAMES_NEEDED = {"postgres", "minio"}


def policies(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["spec"] for one in objects if one["kind"] == "NetworkPolicy"]


def parts_of(selector: dict[str, Any], objects: list[dict[str, Any]]) -> set[str]:
    wanted = selector["matchLabels"].items()
    return {part for part, pod in pods(objects).items() if wanted <= pod["metadata"]["labels"].items()}


def peer_names(peer: dict[str, Any], objects: list[dict[str, Any]]) -> set[str]:
    if "ipBlock" in peer:
        return {OUTSIDE}
    if "namespaceSelector" in peer:
        space = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        return {{"ingress-nginx": FRONT, "kube-system": DNS}[space]}
    return parts_of(peer["podSelector"], objects)


def sides(objects: list[dict[str, Any]]) -> tuple[set[Flow], set[Flow]]:
    """All flows that the callers' side allows, and all that the called side allows."""
    going, coming = set(), set()
    for policy in policies(objects):
        for part in parts_of(policy["podSelector"], objects):
            for rule in policy.get("egress", []):
                assert rule["to"] and rule["ports"]  # an empty list would mean everybody
                going |= {
                    (part, peer, port["port"])
                    for to in rule["to"]
                    for peer in peer_names(to, objects)
                    for port in rule["ports"]
                }
            for rule in policy.get("ingress", []):
                assert rule["from"] and rule["ports"]
                coming |= {
                    (peer, part, port["port"])
                    for who in rule["from"]
                    for peer in peer_names(who, objects)
                    for port in rule["ports"]
                }
    return going, coming


@pytest.mark.parametrize("name", VALUES)
def test_exactly_the_table_is_allowed(name: str) -> None:
    objects = render(VALUES[name])
    going, coming = sides(objects)
    inside = pods(objects).keys()
    names = {flow for flow in going if flow[1] == DNS}
    allowed = {
        flow
        for flow in going | coming
        if flow not in names
        and (flow[0] not in inside or flow in going)
        and (flow[1] not in inside or flow in coming)
    }
    assert allowed == EXPECTED[name]
    # no half of a way that leads nowhere
    assert going - names == {flow for flow in allowed if flow[0] in inside}
    assert coming == {flow for flow in allowed if flow[1] in inside}
    assert {flow[0] for flow in names} == inside - NO_NAMES_NEEDED
    assert {flow[2] for flow in names} == {53}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_pod_is_shut_both_ways_by_default(values: dict[str, Any]) -> None:
    objects = render(values)
    shut = next(
        policy
        for policy in policies(objects)
        if not policy.get("ingress")
        and not policy.get("egress")
        and parts_of(policy["podSelector"], objects) == set(pods(objects))
    )
    assert shut["policyTypes"] == ["Ingress", "Egress"]
    assert all(policy["policyTypes"] == ["Ingress", "Egress"] for policy in policies(objects))


def test_another_release_in_the_same_namespace_is_a_stranger() -> None:
    for policy in policies(render(WHOLE)):
        assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "city"


def test_policies_can_be_left_out_only_as_a_whole() -> None:
    assert policies(render({**DEFAULTS, "networkPolicies": {"enabled": False}})) == []
    assert policies(render({**OWN, "networkPolicies": {"enabled": True}}))
