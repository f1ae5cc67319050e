"""The chart renders to manifests that Kubernetes takes, shuts what can be shut,
and refuses values that cannot work."""

import base64
import copy
import json
import re
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
from chart import CHART, DEFAULTS, OWN, VALUES, WHOLE, containers, pods, render

KUBERNETES = "1.36"
SECRET_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|_KEY$|DATABASE_URL|ACCESS|ROOT_USER")
Objects = list[dict[str, Any]]


@pytest.fixture(
    scope="module",
    params=[(name, install) for name in VALUES for install in (True, False)],
    ids=lambda given: f"{given[0]}-{'install' if given[1] else 'upgrade'}",
)
def objects(request: pytest.FixtureRequest) -> Objects:
    name, install = request.param
    return render(VALUES[name], install=install)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_finds_no_fault(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert all(message["severity"] < 2 for message in report["messages"]), report["messages"]


def test_every_manifest_is_strictly_valid(objects: Objects) -> None:
    for one in objects:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_names_are_unique_and_every_object_is_labelled(objects: Objects) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names))
    for one in objects:
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "city"
        assert one["metadata"].get("namespace") in (None, "cihu")


def test_services_find_their_pods(objects: Objects) -> None:
    for service in (one for one in objects if one["kind"] == "Service"):
        selector = service["spec"]["selector"]
        pod = pods(objects)[selector["app.kubernetes.io/component"]]
        assert selector.items() <= pod["metadata"]["labels"].items()
        open_ports = {port["name"] for container in containers(pod) for port in container.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= open_ports


def test_no_container_can_become_more_than_it_is(objects: Objects) -> None:
    for part, pod in pods(objects).items():
        spec, shield = pod["spec"], pod["spec"]["securityContext"]
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert shield["runAsNonRoot"] is True and shield["runAsUser"] > 0
        assert shield["seccompProfile"]["type"] == "RuntimeDefault" or part == "hub"
        assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["privileged"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context.get("procMount", "Default") == "Default" or part == "hub"
            # nothing undoes the pod's
            assert not {"runAsUser", "runAsNonRoot", "seccompProfile"} & context.keys()
            assert container["resources"]["limits"]["memory"] and container["resources"]["requests"]


def test_servers_are_probed(objects: Objects) -> None:
    for part, health in (("portal", "/healthz"), ("vault", "/healthz"), ("hub", "/hub/health")):
        for container in containers(pods(objects)[part]) if part in pods(objects) else []:
            if container["name"] == part:
                assert container["readinessProbe"]["httpGet"]["path"] == health
                assert {"startupProbe", "livenessProbe"} <= container.keys()
                alive = "/hub/health" if part == "hub" else "/health/live"
                assert container["livenessProbe"]["httpGet"]["path"] == alive


def test_every_secret_comes_by_reference(objects: Objects) -> None:
    made = {one["metadata"]["name"]: one["stringData"] for one in objects if one["kind"] == "Secret"}
    for pod in pods(objects).values():
        for container in containers(pod):
            assert "envFrom" not in container
            for variable in container.get("env", []):
                if variable["name"].endswith("_FILE"):  # where a Secret is mounted
                    assert variable["value"].startswith("/etc/cihu/")
                elif SECRET_NAME.search(variable["name"]):
                    reference = variable["valueFrom"]["secretKeyRef"]
                    if reference["name"] in made:
                        assert reference["key"] in made[reference["name"]]
                    else:
                        assert reference["name"] in ("owner", "client", "vault-keys", "portal-keys")
                else:
                    assert "valueFrom" not in variable
    values = {
        value
        for keys in made.values()
        for key, value in keys.items()
        if key not in ("s3-access-key", "root-user")
    }
    elsewhere = json.dumps([one for one in objects if one["kind"] != "Secret"])
    assert not [value for value in values if value in elsewhere]


@pytest.mark.parametrize("values", [DEFAULTS, WHOLE], ids=["defaults", "whole"])
def test_each_process_is_given_its_own_secrets_alone(values: dict[str, Any]) -> None:
    given = {
        part: {
            variable["valueFrom"]["secretKeyRef"]["name"].removeprefix("city-cihu-")
            + "/"
            + variable["valueFrom"]["secretKeyRef"]["key"]
            for container in containers(pod)
            for variable in container.get("env", [])
            if "valueFrom" in variable
        }
        for part, pod in pods(render(values)).items()
    }
    own = {"database-url", "s3-access-key", "s3-secret-key"}
    shared = {"puller/secret"} if "puller" in given else set()
    assert given["vault"] == {f"vault/{key}" for key in own} | shared
    assert given.get("puller", shared) == shared
    assert given["portal"] == {f"portal/{key}" for key in own} | {"hub-client/client-secret"}
    assert given.get("hub", {"hub/crypt-key", "hub-client/client-secret"}) == {
        "hub/crypt-key",
        "hub-client/client-secret",
    }
    couriers = {"courier/database-url"} if "courier" in given else set()
    assert given.get("courier", couriers) == couriers
    databases = {"postgres/database-url", "vault/database-url", "portal/database-url"}
    assert given["migration"] == databases | couriers
    assert given["postgres"] == {"postgres/password"}


def test_generated_secrets_are_good_ones() -> None:
    first, second = (
        {one["metadata"]["name"]: one["stringData"] for one in render(WHOLE) if one["kind"] == "Secret"}
        for _ in range(2)
    )
    for name, keys in first.items():
        for key, value in keys.items():
            if key not in ("s3-access-key", "root-user"):
                assert len(value) >= 40 and value != second[name][key]
    assert len(bytes.fromhex(first["city-cihu-hub"]["crypt-key"])) == 32
    assert len(base64.b64decode(first["city-cihu-minio"]["kms-key"].removeprefix("cihu:"))) == 32
    assert first["city-cihu-vault"]["database-password"] in first["city-cihu-vault"]["database-url"]
    assert len(first["city-cihu-vault"]["s3-secret-key"]) <= 40  # MinIO's most


def test_with_own_servers_nothing_is_bundled_and_no_secret_is_made() -> None:
    rendered = render(OWN)
    assert not [one for one in rendered if one["kind"] == "Secret"]
    assert pods(rendered).keys() == {"portal", "vault", "migration"}


@pytest.mark.parametrize(
    ("values", "install", "hook"), [(DEFAULTS, True, False), (DEFAULTS, False, True), (OWN, True, True)]
)
def test_the_tables_come_first_wherever_a_database_is_there(
    values: dict[str, Any], *, install: bool, hook: bool
) -> None:
    job = next(
        one
        for one in render(values, install=install)
        if "migration" in one["metadata"]["name"] and one["kind"] == "Job"
    )
    assert ("helm.sh/hook" in job["metadata"].get("annotations", {})) is hook
    commands = [container["command"][2] for container in containers(job["spec"]["template"])]
    assert commands == ["sandbox.vault.migrate", "marketplace.migrate"]


def test_only_the_portal_has_a_disruption_budget_and_only_with_replicas() -> None:
    def budgets(values: dict[str, Any]) -> list[str]:
        return [one["metadata"]["name"] for one in render(values) if one["kind"] == "PodDisruptionBudget"]

    assert budgets(DEFAULTS) == []
    assert budgets(WHOLE) == ["city-cihu-portal"]


def test_what_may_hold_raw_rows_is_kept_in_memory() -> None:
    volumes = pods(render(DEFAULTS))["vault"]["spec"]["volumes"]
    assert all(volume["emptyDir"]["medium"] == "Memory" for volume in volumes)


def test_the_vault_is_told_the_truth_about_the_network() -> None:
    def told(values: dict[str, Any]) -> str:
        environment = {
            one["name"]: one.get("value")
            for one in pods(render(values))["vault"]["spec"]["containers"][0]["env"]
        }
        return str(environment["CIHU_BEHIND_TLS"])

    assert told(DEFAULTS) == "false"  # then it refuses to start
    assert told(WHOLE) == "true"


WRONG = {
    "a word that nobody knows": {"vautl": {}},
    "an address without TLS": {"portal": {"url": "http://portal.city.example"}},
    "an address with a path": {"hub": {"url": "https://city.example/hub"}},
    "no replica": {"portal": {"replicas": 0}},
    "text for a switch": {"networkIsEncrypted": "yes"},
    "an image without a tag": {"postgres": {"image": "postgres"}},
    "a size without a unit": {"vault": {"storage": {"size": "10"}}},
    "everybody in front": {"networkPolicies": {"front": [{}]}},
    "everybody by an empty selector": {"networkPolicies": {"front": [{"namespaceSelector": {}}]}},
    "the whole internet as Postgres": {
        "postgres": {"external": {"peers": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}}
    },
    "nobody in front": {"networkPolicies": {"front": []}},
    "a profile without its name": {"hub": {"seal": {"seccompProfile": {"type": "Localhost"}}}},
    "a store's address as a URL": {"minio": {"external": {"endpoint": "https://s3.city.example"}}},
    "limits that are none": {"vault": {"resources": {"limits": "none"}}},
}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_by_the_schema(values: dict[str, Any]) -> None:
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmValuesError):
        chart.validate_schema(chart.merge_values(values))
    with pytest.raises(helm.HelmError):
        render(values)


def without(values: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


MISSING = {
    "migration.existingSecret": ("migration", "existingSecret"),
    "vault.existingSecret": ("vault", "existingSecret"),
    "portal.existingSecret": ("portal", "existingSecret"),
    "minio.external.endpoint": ("minio", "external", "endpoint"),
    "postgres.external.peers": ("postgres", "external", "peers"),
    "minio.external.peers": ("minio", "external", "peers"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_cannot_be_guessed_must_be_given(name: str) -> None:
    with pytest.raises(helm.HelmRenderError, match=re.escape(name)):
        render(without(OWN, *MISSING[name]))


def test_several_portals_share_their_secrets() -> None:
    with pytest.raises(helm.HelmRenderError, match=r"portal\.sharedKeysSecret"):
        render({"portal": {"replicas": 2}})


def test_a_bare_proc_needs_a_user_namespace() -> None:
    with pytest.raises(helm.HelmRenderError, match="hostUsers"):
        render({"hub": {"enabled": True, "seal": {"procMount": "Unmasked"}}})
