"""A seal in Kubernetes: a pod that runs once, and a policy that shuts its network:
pure functions to manifests.

Nothing here talks to a cluster. A cluster cannot bind folders of another machine, so the caller says for each
bind which volume holds it. What bubblewrap's namespaces and filters do, the pod's own do: no rights, no
network, a read-only root, sized folders in memory, a seccomp profile of the node and, where it is there,
gVisor (`runtime_class`). The pod's name must be derived from the seal's name, and is used once. Sources: the
API reference of Kubernetes, its Pod Security Standards ("restricted").
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.seals.bubblewrap import SHARED_MEMORY, TEMPORARY, limits_of
from sandbox.seals.model import Bind, Seal

Manifest = dict[str, Any]
USER = 65534  # nobody's: the pod's own user namespace makes another user of the node of it
PRLIMIT = "/usr/bin/prlimit"


def seal_pod(
    seal: Seal,
    *,
    name: str,
    namespace: str,
    image: str,
    volumes: Mapping[Bind, Manifest],
    seconds: int,
    cpus: int = 4,
    runtime_class: str = "",
    seccomp_profile: str = "",
) -> Manifest:
    """The pod of `seal`, that is ended after `seconds`.
    `image` has the system and the interpreter; `volumes` gives for each bind the volume's source and, as
    `subPath`, the place in it. `seccomp_profile` is one of the node's own (its path below the kubelet's
    folder), the container runtime's usual one if empty.

    Raises `InvalidInput` for a bind without a volume: what a seal names must be there.
    """
    mounts, made = _binds(seal, volumes)
    for number, (path, size) in enumerate(_in_memory(seal)):
        made.append({"name": f"memory-{number}", "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}})
        mounts.append({"name": f"memory-{number}", "mountPath": path})
    resources = {"memory": str(seal.all_bytes), "cpu": str(cpus), "ephemeral-storage": "1Mi"}
    container: Manifest = {
        "name": "sealed",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PRLIMIT, *limits_of(seal), "--", *seal.command],
        "workingDir": seal.folder,
        "env": [{"name": variable, "value": value} for variable, value in seal.environment],
        "resources": {
            "requests": {"memory": str(seal.limits.tree_bytes), "cpu": "100m"},
            "limits": resources,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    profile: Manifest = {"type": "RuntimeDefault"}
    if seccomp_profile:
        profile = {"type": "Localhost", "localhostProfile": seccomp_profile}
    spec: Manifest = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": seconds,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostUsers": False,
        "hostname": "sealed",
        "setHostnameAsFQDN": False,
        "shareProcessNamespace": False,
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},  # where nobody answers
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": profile,
        },
        "containers": [container],
        "volumes": made,
    }
    if runtime_class:
        spec["runtimeClassName"] = runtime_class
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": spec,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "cihu", "cihu/sealed": "true"},
        },
    }


def shut_network(namespace: str) -> Manifest:
    """The policy that lets no sealed pod of the namespace be reached or reach anything.
    Without it a sealed pod must not run."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": "cihu-sealed",
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "cihu"},
        },
        "spec": {
            "podSelector": {"matchLabels": {"cihu/sealed": "true"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [],
        },
    }


def _binds(seal: Seal, volumes: Mapping[Bind, Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    mounts: list[Manifest] = []
    made: list[Manifest] = []
    for number, bind in enumerate(seal.binds):
        if bind not in volumes:
            raise InvalidInput(
                f"No volume holds what the seal shows at {bind.target}.",
                remedy="Name one for each of its binds.",
            )
        source = dict(volumes[bind])
        inner = source.pop("subPath", "")
        made.append({"name": f"bind-{number}", **source})
        mounts.append(
            {
                "name": f"bind-{number}",
                "mountPath": str(PurePosixPath(bind.target)),
                "readOnly": bind not in seal.writable,
                **({"subPath": inner} if inner else {}),
            }
        )
    return mounts, made


def _in_memory(seal: Seal) -> list[tuple[str, int]]:
    limits = seal.limits
    return [
        (seal.folder, limits.home_bytes),
        (TEMPORARY, limits.tmp_bytes),
        (SHARED_MEMORY, limits.shm_bytes),
        *seal.scratch,
    ]
