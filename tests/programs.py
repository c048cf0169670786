"""Programs that are no Python packages: CI has them, elsewhere tests without one are skipped."""

import os
import shutil
from typing import NoReturn

import pytest


def needed(*programs: str) -> None:
    """Skips a test where one of these programs is missing, and fails it in CI."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        unavailable(f"not installed: {', '.join(missing)}")


def unavailable(reason: str) -> NoReturn:
    """Skips a test that needs what is not there, and fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
