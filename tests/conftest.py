"""How the suite is spread over cores: what shares an expensive fixture runs on one core, the longest first.

`make test` gives each core a group at a time (`ByGroup`, a scheduler of pytest-xdist). A group is a file, or a folder whose files
share one home, server or build, or a single test where nothing is shared that took long to make.
"""

from __future__ import annotations

import os
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# Folders whose files share a session's fixture.
SHARED = ("bad_input", "databases", "rules")
# Files that share one with another: the demo's home, the log of contacts.
WITH = {
    "end_to_end/test_backfill.py": "end_to_end/test_night.py",
    "end_to_end/test_regimes.py": "end_to_end/test_night.py",
    "end_to_end/test_metrics.py": "end_to_end/test_night.py",
    "end_to_end/test_report.py": "end_to_end/test_night.py",
    "end_to_end/test_schedule.py": "end_to_end/test_night.py",
    "end_to_end/test_superset.py": "end_to_end/test_night.py",
    "end_to_end/test_surroundings.py": "end_to_end/test_night.py",
    "end_to_end/test_evidence.py": "end_to_end/test_night.py",
    "reperformance/test_contacts.py": "reperformance/test_collecting.py",
}
# What takes minutes starts first, so that no core waits for another's last long group: docs/suite.md has the seconds.
LONGEST_FIRST = (
    "end_to_end/test_night.py",
    "end_to_end/test_processes.py",
    "end_to_end/test_soak.py",
    "reperformance/test_portfolio.py",
    "rules",
    "flows/test_incremental.py",
    "reperformance",
    "flows",
    "real_ledgers",
    "conformance",
    "expectations",
)


def group_of(path: Path) -> str:
    folder, *rest = path.relative_to(TESTS).parts
    name = folder if folder in SHARED else "/".join([folder, *rest])
    return WITH.get(name, name)


class ByGroup(LoadScopeScheduling):
    """Not by xdist's own marks of groups: pytest 9.2 takes no notice of them, and each test went to whichever core was free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(TESTS.parent / nodeid.partition("::")[0])


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a test that waits for a process or a disk leaves its core to another."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        group = group_of(item.path)
        long = [n for n, name in enumerate(LONGEST_FIRST) if name in (group, group.split("/")[0])]
        return min(long, default=len(LONGEST_FIRST))

    items.sort(key=rank)


# What the suite costs: docs/suite.md has the table that this prints.


def processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


_spent = [processor_seconds()]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Each report of a setup, call or teardown carries what was spent since the one before."""
    outcome = yield
    now = processor_seconds()
    outcome.get_result().processor_seconds = now - _spent[0]
    _spent[0] = now


def pytest_terminal_summary(terminalreporter: Any) -> None:
    spent: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            folder = getattr(report, "nodeid", "").removeprefix("tests/").split("/")[0]
            spent[folder] += getattr(report, "processor_seconds", 0)
    if sum(spent.values()) > 60:
        terminalreporter.section("processor seconds by folder")
        for folder, seconds in [*spent.most_common(), ("in all", sum(spent.values()))]:
            terminalreporter.line(f"{folder:<16} {seconds:8.0f}")
