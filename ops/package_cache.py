"""Package cache: files that packaging makes, kept for the next time that it has the same inputs.

An entry's name is the SHA-256 of its inputs, and an entry starts with the SHA-256 of its content: a
damaged one is made again. It is written beside its place and renamed, so that processes may share
the cache. Entries that nobody has used for a week are deleted.
"""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

_WEEK_SECONDS = 7 * 24 * 3600


class PackageCache:
    """A folder of entries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, inputs: Iterable[object], make: Callable[[], bytes]) -> bytes:
        """The entry of these inputs, this Python and its packages; `make` makes a missing one.

        An input is told from another one by its `repr`. Raises what `make` raises.
        """
        key = hashlib.sha256(repr([_tools(), *inputs]).encode()).hexdigest()
        path = self._folder / key
        found = _read(path)
        if found is None:
            found = make()
            self._write(path, found)
        return found

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        unused_since = time.time() - _WEEK_SECONDS
        for other in self._folder.iterdir():
            with suppress(FileNotFoundError):  # Another process may delete it at the same time.
                if other.stat().st_mtime < unused_since:
                    other.unlink()
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(hashlib.sha256(content).digest() + content)
        Path(file.name).replace(path)


def contents(folder: Path) -> list[tuple[str, str]]:
    """The path and the SHA-256 of each file in a folder, but for bytecode."""
    return sorted(
        (str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


def _read(path: Path) -> bytes | None:
    """An entry's content, or None for one that is missing or damaged."""
    try:
        whole = path.read_bytes()
        path.touch()
    except FileNotFoundError:
        return None
    digest, content = whole[:32], whole[32:]
    return content if hashlib.sha256(content).digest() == digest else None


@cache
def _tools() -> list[str]:
    """The Python and every installed package, with their versions."""
    packages = sorted(f"{each.name}=={each.version}" for each in distributions())
    return [sys.version, *packages]
