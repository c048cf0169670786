"""A folder for what a command keeps while it works, so that a killed one goes on from there."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def workplace(folder: Path | None, *, shared: bool = True) -> Iterator[Path]:
    """Yields the folder, for None a temporary one, and deletes it when the work is done.

    Two processes never use one folder. The second one has a temporary folder. Raises a click error
    instead if it must not work at the same time (not `shared`).
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="twofold-") as temporary:
            yield Path(temporary)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if not shared:
                raise click.ClickException(f"another process works in {folder}") from None
            with workplace(None) as temporary_one:
                yield temporary_one
            return
        yield folder
        shutil.rmtree(folder)
