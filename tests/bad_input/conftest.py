"""The lender of these tests, new or with its sound book loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bad_input.lender import FIRST, Lender


@pytest.fixture
def lender(tmp_path: Path) -> Lender:
    return Lender(tmp_path)


@pytest.fixture(scope="session")
def sound_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sound book was landed once."""
    folder = tmp_path_factory.mktemp("sound_book")
    Lender(folder).load(FIRST)
    return folder


@pytest.fixture
def known(sound_book: Path, tmp_path: Path) -> Lender:
    """The lender, with the sound book loaded."""
    shutil.copytree(sound_book, tmp_path, dirs_exist_ok=True)
    return Lender(tmp_path)
