"""How the suite is spread over cores: what shares an expensive fixture runs on one core, the longest first.

`make test` gives each core a group at a time (pytest-xdist, `--dist loadgroup`). A group is a file, or a folder whose files
share one home, server or build, or a single test where nothing is shared that took long to make.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Folders whose files share a session's fixture.
SHARED = ("bad_input", "end_to_end", "rules")
# Folders whose tests stand alone; they come last and fill up what the groups leave of the cores.
ALONE = ("expectations",)
# What takes minutes starts first, so that no core waits for another's last long group.
LONGEST_FIRST = ("end_to_end", "flows", "reperformance", "conformance", "rules")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        order = (*LONGEST_FIRST, None, *ALONE)  # None: the others
        return order.index(folder if folder in order else None)

    items.sort(key=rank)
    for item in items:
        folder, *rest = item.path.relative_to(TESTS).parts
        if folder not in ALONE:
            item.add_marker(pytest.mark.xdist_group(folder if folder in SHARED else "/".join([folder, *rest])))
