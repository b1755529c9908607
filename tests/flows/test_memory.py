"""DuckDB takes what it may of the machine's memory, and spills beyond it."""

from __future__ import annotations

import pytest

from flows.database import connect
from flows.errors import UsageError


def granted() -> str:
    with connect() as connection:
        return connection.sql("select current_setting('memory_limit')").fetchone()[0]


def test_every_connection_has_the_limit_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_MEMORY", "1GiB")
    assert granted() == "1.0 GiB"


def test_without_one_it_is_half_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARREARS_MEMORY", raising=False)
    limit, unit = granted().split()
    assert float(limit) > 0
    assert unit in ("MiB", "GiB", "TiB")


@pytest.mark.parametrize("asked", ["lots", "0GB", "-1GB", "8", "8GB; attach 'x'"])
def test_what_is_no_amount_is_refused_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("ARREARS_MEMORY", asked)
    with pytest.raises(UsageError, match="Allowed: an amount such as 6GB"):
        connect()
