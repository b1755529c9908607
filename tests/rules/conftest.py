"""One nasty little book, landed and built once: the relations whose column types unit tests read, and rows to assert on."""

from __future__ import annotations

from datetime import date

import pytest
from reperformance import strategies
from support import build_at, load, new_home

from flows.build import Built


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """300 loans, every convention in every combination, as of a day in the middle of it all."""
    folder = tmp_path_factory.mktemp("rules")
    landing = folder / "landing"
    landing.mkdir()
    strategies.write_landing(strategies.random_ledgers(3, 300), landing)
    home = new_home(folder / "home")
    load(landing, home)
    return build_at(home, date(2026, 4, 30))
