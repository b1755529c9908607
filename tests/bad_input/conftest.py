"""The lender of these tests, new or with its sound book loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_input.lender import FIRST, Lender


@pytest.fixture
def lender(tmp_path: Path) -> Lender:
    return Lender(tmp_path)


@pytest.fixture
def known(lender: Lender) -> Lender:
    """The lender, with the sound book loaded."""
    lender.load(FIRST)
    return lender
