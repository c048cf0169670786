"""PostgreSQL: a server of one's own, as Debian ships it: every commit reaches the disk."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.stores.peers import postgres_programs
from tests.engines import free_port

CONNECTIONS = 100


@contextmanager
def postgres() -> Iterator[str]:
    """Its address, `host:port:user:database`. Raises Missing."""
    programs, port = postgres_programs(), free_port()
    home = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    data = home / "data"
    if os.getuid() == 0:
        shutil.chown(home, "postgres")  # It refuses to run as root.
    try:
        _as_owner([str(programs / "initdb"), "--auth=trust", "--username=bench", "-D", str(data)])
        options = f"-p {port} -k {home} -h 127.0.0.1 -c max_connections={CONNECTIONS}"
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log")]
        _as_owner([*control, "-o", options, "start"])
        try:
            yield f"127.0.0.1:{port}:bench:postgres"
        finally:
            _as_owner([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _as_owner(command: Sequence[str]) -> None:
    owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    subprocess.run(  # noqa: S603  # Our own words.
        [*owner, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
