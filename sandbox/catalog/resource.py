"""A dataset as the rules of access see it (policies/datasets.cedar)."""

from sandbox.catalog.model import Version
from sandbox.identity import Principal
from sandbox.policy import Gate, Resource


def dataset_resource(version: Version) -> Resource:
    policy = version.policy
    return Resource("Dataset", version.dataset, {"department": policy.department, "grade": policy.grade})


def department_resource(dataset: str, department: str) -> Resource:
    """A dataset for a deed on which its grade has no bearing: the department alone decides."""
    return Resource("Dataset", dataset, {"department": department, "grade": "1"})


def require_seen(gate: Gate, principal: Principal, version: Version) -> None:
    """Raises `Refused` where the person may not know of the dataset."""
    gate.require(principal, "see", dataset_resource(version))
