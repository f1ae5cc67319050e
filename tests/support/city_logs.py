"""A failed test shows the last lines of every log of the cities that ran meanwhile."""

from pathlib import Path

import pytest

LINES = 30
homes: list[Path] = []  # of the cities that run now, as `live_city` notes them


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    report: pytest.TestReport = yield
    if report.failed:
        for log in sorted(log for home in homes for log in home.glob("logs/*.log")):
            last = log.read_text(errors="replace").splitlines()[-LINES:]
            report.sections.append((f"last lines of {log.name}", "\n".join(last)))
    return report
