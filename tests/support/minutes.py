"""Says at the end how many minutes the tests of each folder took, so that a folder that grows is seen.

Minutes of the tests, added up over all workers: what a folder costs, not how long one waits.
"""

from collections import defaultdict
from typing import Any

SHOWN_MINUTES = 0.05


def pytest_terminal_summary(terminalreporter: Any) -> None:
    seconds: dict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            path, _, _ = getattr(report, "nodeid", "").partition("::")
            folder = path.rpartition("/")[0].removeprefix("tests/").partition("/")[0]
            seconds[folder] += getattr(report, "duration", 0.0)
    minutes = sorted(((took / 60, folder) for folder, took in seconds.items()), reverse=True)
    shown = [f"{folder} {took:.1f}" for took, folder in minutes if took >= SHOWN_MINUTES]
    if shown:
        terminalreporter.write_line("minutes by folder, of all workers: " + ", ".join(shown))
