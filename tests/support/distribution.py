"""Divides the tests among workers: a file is one worker's, because its tests share what it starts.

Files of tests that share nothing are divided test by test. What takes longest comes first: it would
end last, and alone.
"""

from typing import Any

import pytest

APART = (
    "tests/queries/test_sensitivity.py",
    "tests/audit_dp/test_audit_dp.py",
    "tests/releases/test_coverage.py",
)
ALONE = ("tests/browser/", "tests/attacks/test_ask_signals.py")  # as the Makefile names them
FIRST = (
    "tests/flows/test_gates_taken_out.py",
    "tests/flows/test_crash.py",
    "tests/jobs/test_vault_dies.py",
    "tests/flows/test_canary.py",
    "tests/flows/test_first_hour.py",
    "tests/docs/test_tutorials.py",
    "tests/marketplace/test_generated_requests.py",
    "tests/http/test_generated_requests.py",
    "tests/docs/test_site.py",
    "tests/reviews/test_release_crash.py",
    "tests/queries/test_sensitivity.py",
    "tests/audit_dp/test_audit_dp.py",
    "tests/flows/",
    "tests/hub/",
    "tests/kernels/",
    "tests/standalone/",
    "tests/releases/test_coverage.py",
    "tests/attacks/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((place for place, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))

    for item in items:
        if item.get_closest_marker("alone") and not item.nodeid.startswith(ALONE):
            raise pytest.UsageError(f"{item.nodeid} would not be run: name its file in the Makefile, too")
    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if file in APART else file

    return ByFile(config, log)
