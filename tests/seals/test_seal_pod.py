"""A seal as a pod: a pure function, whose manifest Kubernetes takes and which shuts what bubblewrap shuts."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from sandbox.errors import InvalidInput
from sandbox.jobs.run_folder import RunFolder
from sandbox.jobs.run_seal import OUTBOX, OUTBOX_BYTES, run_seal
from sandbox.seals.model import MIB, Bind, Seal
from sandbox.seals.pod import seal_pod, shut_network

KUBERNETES = "1.36"
INTERPRETER = Bind("/opt/cihu/.venv-kernel", "/opt/cihu/.venv-kernel")
SEAL = run_seal(
    run="7",
    entry="main.py",
    python=Path("/opt/cihu/.venv-kernel/bin/python"),
    interpreter=(INTERPRETER,),
    folder=RunFolder(Path("/runs/7")),
    memory_bytes=512 * MIB,
    limit_seconds=60,
)
VOLUMES: dict[Bind, dict[str, Any]] = {
    bind: {
        "persistentVolumeClaim": {"claimName": "cihu-runs", "readOnly": True},
        "subPath": f"7{bind.target}",
    }
    for bind in SEAL.binds
}


def pod(seal: Seal = SEAL, **more: Any) -> dict[str, Any]:
    return seal_pod(
        seal, name="run-7", namespace="cihu-runs", image="cihu:0.1.0", volumes=VOLUMES, seconds=60, **more
    )


@pytest.mark.parametrize(
    "made",
    [pod(), pod(runtime_class="gvisor", seccomp_profile="cihu.json"), shut_network("cihu-runs")],
    ids=["plain", "gvisor", "network"],
)
def test_the_manifest_is_strictly_valid(made: dict[str, Any]) -> None:
    kubernetes_validate.validate(made, KUBERNETES, strict=True)


def test_it_runs_once_for_so_long_and_holds_no_right_and_no_token() -> None:
    spec, container = pod()["spec"], pod()["spec"]["containers"][0]
    assert spec["restartPolicy"] == "Never" and spec["activeDeadlineSeconds"] == 60
    assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is spec["hostUsers"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "serviceAccountName"} & spec.keys()
    shield = container["securityContext"]
    assert (
        shield["capabilities"] == {"drop": ["ALL"]}
        and shield["readOnlyRootFilesystem"]
        and shield["runAsNonRoot"]
    )
    assert shield["allowPrivilegeEscalation"] is shield["privileged"] is False
    assert (
        spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        and spec["securityContext"]["runAsUser"] > 0
    )


def test_its_network_is_shut_by_a_policy_that_selects_it() -> None:
    policy = shut_network("cihu-runs")
    selected = policy["spec"]["podSelector"]["matchLabels"]
    about = pod()["metadata"]
    assert (
        selected.items() <= about["labels"].items() and policy["metadata"]["namespace"] == about["namespace"]
    )
    assert policy["spec"]["ingress"] == policy["spec"]["egress"] == []
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_only_what_the_seal_names_is_mounted_and_all_that_is_writable_is_sized_memory() -> None:
    container = pod()["spec"]["containers"][0]
    volumes = {volume["name"]: volume for volume in pod()["spec"]["volumes"]}
    writable = {
        mount["mountPath"]: volumes[mount["name"]]
        for mount in container["volumeMounts"]
        if not mount.get("readOnly")
    }
    assert set(writable) == {"/home/analyst", "/tmp", "/dev/shm", OUTBOX}
    folders = [volume["emptyDir"] for volume in writable.values()]
    assert all(folder["medium"] == "Memory" and int(folder["sizeLimit"]) > 0 for folder in folders)
    assert writable[OUTBOX]["emptyDir"]["sizeLimit"] == str(OUTBOX_BYTES)
    assert {mount["mountPath"] for mount in container["volumeMounts"] if mount.get("readOnly")} == {
        "/program",
        "/data",
        "/models",
        "/run/beginning",
        INTERPRETER.target,
    }
    assert {one["name"] for one in container["env"]} == {name for name, _ in SEAL.environment}


def test_limits_are_those_of_the_seal() -> None:
    container = pod()["spec"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == str(SEAL.all_bytes)
    command = container["command"]
    assert (
        command[0].endswith("prlimit")
        and f"--nproc={SEAL.limits.processes}" in command
        and "--core=0" in command
    )
    assert tuple(command[command.index("--") + 1 :]) == SEAL.command


def test_a_bind_without_a_volume_is_refused() -> None:
    with pytest.raises(InvalidInput, match="/program"):
        seal_pod(
            SEAL, name="x", namespace="n", image="i", volumes={INTERPRETER: VOLUMES[INTERPRETER]}, seconds=1
        )
