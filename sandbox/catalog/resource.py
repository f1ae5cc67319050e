"""A dataset as the rules of access see it (policies/datasets.cedar)."""

from collections.abc import Iterable, Iterator

from sandbox.catalog.model import Version
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def dataset_resource(version: Version) -> Resource:
    policy = version.policy
    return Resource("Dataset", version.dataset, {"department": policy.department, "grade": policy.grade})


def department_resource(dataset: str, department: str) -> Resource:
    """A dataset for a deed on which its grade has no bearing: the department alone decides."""
    return Resource("Dataset", dataset, {"department": department, "grade": "1"})


def seen_of(gate: Gate, principal: Principal, versions: Iterable[Version]) -> Iterator[Version]:
    """Those that the person may know of. The rules see department and grade, and none names a dataset (a test
    holds them to it): each of these kinds is decided once."""
    seen: dict[tuple[str, str], bool] = {}
    for version in versions:
        kind = version.policy.department, version.policy.grade
        if kind not in seen:
            seen[kind] = gate.decide(principal, "see", dataset_resource(version)).allowed
        if seen[kind]:
            yield version


def require_seen(gate: Gate, principal: Principal, version: Version) -> None:
    """Raises `Refused` where the person may not know of the dataset."""
    gate.require(principal, "see", dataset_resource(version))
