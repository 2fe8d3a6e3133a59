"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of release files that ROBUST_XTREME_DATA names; the test is skipped where there is none."""
    named = os.environ.get("ROBUST_XTREME_DATA", "")
    if not named:
        pytest.skip("ROBUST_XTREME_DATA is not set: it names the folder of release files that this test reads")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"ROBUST_XTREME_DATA names {folder}, which is no folder")
    return folder
