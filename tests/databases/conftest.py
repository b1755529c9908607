"""A PostgreSQL and a MariaDB server for this folder, and the sound book of `bad_input` as tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from databases.servers import Server, mariadb, postgresql


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def maria() -> Iterator[Server]:
    with mariadb() as server:
        yield server


@pytest.fixture
def core(request: pytest.FixtureRequest) -> Server:
    """The server that the test's parameter names."""
    return request.getfixturevalue(request.param)
