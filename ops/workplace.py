"""Workplaces: the folder in which a command keeps its progress, so that it can be continued."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def workplace(folder: Path | None, *, shared: bool = True) -> Iterator[Path]:
    """Yields the folder, or a temporary one if it is None, and deletes it when the block succeeds.

    A lock keeps a second process out of the folder. That one gets a temporary folder if `shared`;
    otherwise a click error is raised, since only one process may do the work at a time.
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
                raise click.ClickException(
                    f"another process uses {folder}: wait until it ends"
                ) from None
            with workplace(None) as temporary_one:
                yield temporary_one
            return
        yield folder
        shutil.rmtree(folder)
