"""Every kind of event that any package appends is in the table;
otherwise the deed would fail when somebody does it."""

import ast
from pathlib import Path

import pytest

import marketplace
import sandbox
from sandbox.audit import KINDS

SOURCES = [
    path
    for package in (sandbox, marketplace)
    for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
]


def kinds_in(source: Path) -> set[str]:
    text = source.read_text("utf-8")
    if "Event(" not in text:  # each worker looks through all sources
        return set()
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    events = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Event"]
    given = [call.args[:1] + [word.value for word in call.keywords if word.arg == "kind"] for call in events]
    return {str(value.value) for values in given for value in values if isinstance(value, ast.Constant)}


APPENDING = [path for path in SOURCES if kinds_in(path)]


@pytest.mark.parametrize("source", APPENDING, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_kind_that_is_appended_is_known(source: Path) -> None:
    assert kinds_in(source) <= set(KINDS)


@pytest.mark.parametrize("source", APPENDING, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_a_kind_is_appended_by_its_owner_and_nobody_else(source: Path) -> None:
    """The owner says which service may append it; a deed in another package would fail where that
    other service runs it."""
    root = Path(str(sandbox.__file__)).parent.parent
    module = ".".join(source.relative_to(root).with_suffix("").parts).removeprefix("sandbox.")
    for kind in kinds_in(source):
        assert f"{module}.".startswith(f"{KINDS[kind].owner}."), f"{module} appends {kind}"


# of earlier releases, and two that were never written
UNWRITTEN = {"call.credited", "call.metered", "grant.renewed", "invoice.previewed", "request.withdrawn"}
OF_PURCHASES = {"asked", "released", "failed", "interrupted"}  # put together from the name of what is bought


def test_every_kind_has_a_writer() -> None:
    """Whoever filters the log by a kind that nobody writes thinks that nothing happened."""
    tables = (Path(str(sandbox.__file__)).parent / "audit" / "model.py", "log_kinds.py")
    texts = [path.read_text() for path in SOURCES if path != tables[0] and path.name != tables[1]]
    unwritten = {kind for kind in KINDS if not any(f'"{kind}"' in text for text in texts)}
    bought = {kind for kind in unwritten if kind.rpartition(".")[2] in OF_PURCHASES}
    assert unwritten - bought == UNWRITTEN
