"""A killed audit leaves nothing behind that runs, and the same command goes on where it was."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from chalicelib.events.table import EventItem
from chalicelib.settings import settings
from ops.verifying.raw import name_of
from tests import engines
from tests.ops.audited import audited
from tests.ops.rebuilt import stock
from tests.ops.test_audit_processes import damage_rows

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.mark.usefixtures("own_ministack")
def test_a_killed_audit_leaves_no_process_and_the_same_command_goes_on() -> None:
    stock(100)
    damage_rows()
    one = audited()
    command = [sys.executable, "-m", "ops", "audit", "--patience", "0", "--json"]

    process = subprocess.Popen(
        [*command, "--processes", "3", "--segments", "24", "--rate", "150"],
        cwd=engines.ROOT,
        env=os.environ.copy(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    done = settings().home / "audits" / name_of(EventItem) / "done"
    wait_until(lambda: len(list(done.glob("events-*.json"))) > 3)
    workers = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    psutil.wait_procs(workers, timeout=60)
    assert not any(each.is_running() for each in workers)
    saved = {each.name: each.stat().st_mtime_ns for each in done.glob("*.spill")}
    assert saved

    again = subprocess.run(
        [*command, "--processes", "3"],
        cwd=engines.ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(again.stdout)

    assert again.returncode == 1
    assert [str(each) for each in one.found] == [shown(each) for each in told["found"]]
    assert any(note.startswith("continued the audit") for note in told["notes"])
    assert told["events"] == one.events


def shown(finding: dict[str, Any]) -> str:
    """A finding of the document, as a person sees it."""
    version = f" {finding['version']}" if finding["version"] else ""
    return f"{finding['where']}{version}: {finding['what']}"


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits, for minutes at most."""
    deadline = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
