"""Policies as contracts of the Open Data Contract Standard, and contracts as policies.

What the standard has no field for stands in custom properties whose names begin with `cihu`, so that a policy
that is written as a contract reads back as the same document. A contract that others wrote becomes a policy
that an officer completes: it says nothing of whom the rows are about, nor of a budget.

Source: Bitol, Open Data Contract Standard 3.1.0.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import TypedDict

from sandbox.catalog.lineage import Lineage
from sandbox.drafts.names import column_name
from sandbox.errors import InvalidInput
from sandbox.ingest.units import COMPOUND_ID, ROW_ID

API_VERSION = "v3.1.0"
READABLE = re.compile(r"v3\.\d+\.\d+")
KIND = "DataContract"
OURS = "cihu"
LOGICAL = {
    "text": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
}
TYPES = {logical: type for type, logical in LOGICAL.items()}
IN_CONTRACT = frozenset({"dataset", "title", "summary", "department", "columns"})
"""Fields of a policy that the standard has, too."""
IN_PROPERTY = frozenset({"type", "title", "grade", "source", "required", "bounds", "longest"})


class ContractDocument(TypedDict):
    """A contract of the Open Data Contract Standard. `schema` has the one table; `customProperties` what only
    a policy has, under names that begin with `cihu`."""

    apiVersion: str
    kind: str
    id: str
    name: str
    version: str
    status: str
    domain: str
    description: dict[str, Any]
    schema: list[dict[str, Any]]
    customProperties: list[dict[str, Any]]


def contract_of(
    policy: Mapping[str, Any], *, version: int, lineage: Lineage | None = None
) -> ContractDocument:
    """The contract of a version. `policy`: the document of its policy. `lineage`: of a derived one."""
    custom = {
        "titleZh": policy["title"]["zh"],
        "summaryZh": policy["summary"]["zh"],
        **{_camel(name): value for name, value in policy.items() if name not in IN_CONTRACT},
    }
    table = policy["dataset"].partition(".")[2]
    return ContractDocument(
        apiVersion=API_VERSION,
        kind=KIND,
        id=f"urn:cihu:dataset:{policy['dataset']}",
        name=policy["title"]["en"],
        version=str(version),
        status="active",
        domain=policy["department"],
        description={"purpose": policy["summary"]["en"]},
        schema=[
            {
                "name": table,
                "physicalName": policy["dataset"],
                "physicalType": "table",
                "logicalType": "object",
                "properties": [
                    _property(name, spec) | _transformed(name, lineage)
                    for name, spec in policy["columns"].items()
                ],
            }
        ],
        customProperties=_custom(custom),
    )


def _property(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "logicalType": LOGICAL[spec["type"]]}
    if "title" in spec:
        made |= {"businessName": spec["title"]["zh"], "description": spec["title"]["en"]}
    if "source" in spec:
        made["physicalName"] = spec["source"]
    if "grade" in spec:
        made["classification"] = spec["grade"]
    if "required" in spec:
        made["required"] = spec["required"]
    native = IN_PROPERTY
    if "bounds" in spec and spec["type"] in ("integer", "number"):
        made["logicalTypeOptions"] = {"minimum": spec["bounds"][0], "maximum": spec["bounds"][1]}
    elif "longest" in spec and spec["type"] == "text":
        made["logicalTypeOptions"] = {"maxLength": spec["longest"]}
    else:
        native -= {"bounds", "longest"}
    custom = {_camel(field): value for field, value in spec.items() if field not in native}
    return made | {"customProperties": _custom(custom)}


def _transformed(name: str, lineage: Lineage | None) -> dict[str, Any]:
    """From which columns one comes, and by which SQL; nothing where it comes from a file."""
    if lineage is None:
        return {}
    versions = {each.dataset: each.name for each in lineage.inputs}
    sources = [of.rpartition(".") for of in lineage.columns.get(name, ())]
    return {
        "transformSourceObjects": [f"{versions[dataset]}.{column}" for dataset, _, column in sources],
        "transformLogic": lineage.sql,
    }


def _custom(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"property": f"{OURS}{name[0].upper()}{name[1:]}", "value": value} for name, value in values.items()
    ]


def policy_of(contract: Any, *, department: str) -> dict[str, Any]:
    """The document of a policy. `department`: of a contract that names none.

    Raises `InvalidInput` for what is no contract of this standard, and names columns that cannot be kept.
    """
    if not isinstance(contract, dict) or contract.get("kind") != KIND:
        raise _no_contract("it has no `kind: DataContract`", "没有 kind: DataContract")
    if not READABLE.fullmatch(str(contract.get("apiVersion", ""))):
        raise _no_contract("its `apiVersion` is none of version 3", "apiVersion 不是第 3 版")
    tables = contract.get("schema")
    if not isinstance(tables, list) or len(tables) != 1 or not isinstance(tables[0], dict):
        raise _no_contract(
            "it describes no table, or several: a dataset is one",
            "未描述表，或描述了多张表；一个数据集是一张表",
        )
    properties = tables[0].get("properties")
    if not isinstance(properties, list) or not properties or not all(map(_is_property, properties)):
        raise _no_contract("its table has no columns with names", "表没有带名称的列")
    custom = _ours(contract)
    name = str(tables[0].get("physicalName") or tables[0].get("name") or "data")
    title = str(contract.get("name") or tables[0].get("businessName") or name)
    purpose = contract.get("description")
    summary = str(purpose.get("purpose") or title) if isinstance(purpose, dict) else title
    policy: dict[str, Any] = {
        "dataset": name if "grade" in custom else _dataset(name, department),
        "title": {"zh": str(custom.pop("title_zh", title)), "en": title},
        "summary": {"zh": str(custom.pop("summary_zh", summary)), "en": summary},
        "department": str(contract.get("domain") or department) if custom else department,
        "grade": "2",
        "source": {"name": title, "licence": "internal"},
        **custom,
    }
    taken, columns, lost = {COMPOUND_ID, ROW_ID}, {}, []
    for each in properties:
        if str(each.get("logicalType", "string")) not in TYPES:
            lost.append(str(each["name"]))
            continue
        column, spec = _column(each, taken)
        taken.add(column)
        columns[column] = spec
    if lost:
        dropped = policy.get("dropped_columns")
        policy["dropped_columns"] = [*(dropped if isinstance(dropped, list) else []), *lost]
    return policy | {"columns": columns}


def _column(said: Mapping[str, Any], taken: Iterable[str]) -> tuple[str, dict[str, Any]]:
    label, custom = str(said["name"]), _ours(said)
    name = label if custom else column_name(label, set(taken))
    spec: dict[str, Any] = {"role": "attribute", "type": TYPES[said.get("logicalType", "string")]} | custom
    if "physicalName" in said:
        spec["source"] = str(said["physicalName"])
    elif name != label:
        spec["source"] = label
    if "businessName" in said or "description" in said:
        either = said.get("description") or said.get("businessName")
        spec["title"] = {"zh": str(said.get("businessName") or either), "en": str(either)}
    if custom and "classification" in said:
        spec["grade"] = str(said["classification"])
    if "required" in said:
        spec["required"] = said["required"]
    options = said.get("logicalTypeOptions")
    if isinstance(options, dict):
        if custom.get("role") == "measure" and {"minimum", "maximum"} <= options.keys():
            spec["bounds"] = [options["minimum"], options["maximum"]]
        if custom and "maxLength" in options:
            spec["longest"] = options["maxLength"]
    return name, spec


def _ours(said: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the custom properties of ours, by the policy's names."""
    listed = said.get("customProperties")
    return {
        _snake(one["property"].removeprefix(OURS)): one.get("value")
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and str(one.get("property", "")).startswith(OURS)
    }


def _is_property(said: Any) -> bool:
    return isinstance(said, dict) and isinstance(said.get("name"), str) and bool(said["name"].strip())


def _dataset(name: str, department: str) -> str:
    table = re.sub(r"[^a-z0-9]+", "_", name.lower().rpartition(".")[2]).strip("_")[:31]
    if not table[:1].isalpha():
        table = f"data_{table}"[:31].strip("_")
    return f"{department.replace('-', '_')}.{table}"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _no_contract(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"This is no contract that can be read: {why}.",
        code="no_contract",
        remedy="Give a contract of the Open Data Contract Standard, version 3, with one table.",
        zh=f"无法读取该数据契约：{zh}。",
        remedy_zh="请提供开放数据契约标准（ODCS）第 3 版、只含一张表的契约。",
    )
