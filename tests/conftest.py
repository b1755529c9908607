"""How the suite is spread over cores: what shares an expensive fixture runs on one core, the longest first.

`make test` gives each core a group at a time (pytest-xdist, `--dist loadgroup`). A group is a file, or a folder whose files
share one home, server or build.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Folders whose files share a session's fixture.
SHARED = ("bad_input", "end_to_end", "expectations", "rules")
# What takes minutes starts first, so that no core waits for another's last long group.
LONGEST_FIRST = ("end_to_end", "flows", "reperformance", "conformance", "rules", "expectations")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)
    for item in items:
        folder, *rest = item.path.relative_to(TESTS).parts
        item.add_marker(pytest.mark.xdist_group(folder if folder in SHARED else "/".join([folder, *rest])))
