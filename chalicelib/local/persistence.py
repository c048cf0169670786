"""Kept: the file in which the engine's books are from one run to the next.

The file has all that the engine holds and, with it, how far the readers of its stream had come by
then: so whatever becomes of the books, the checkpoints are never ahead of them. It is written aside
and moved into place, so it is always whole; one that cannot be read is put aside, never lost.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict


class Unreadable(Exception):
    """A file that does not have the books of an engine, or of one that is newer than this."""


class Kept:
    """The books of an engine's folder. `restore` puts them into the engine, `state` gives them.

    `tell` speaks to the person at the terminal.
    """

    def __init__(
        self,
        folder: Path,
        state: Callable[[], Mapping[str, Any]],
        restore: Callable[[Mapping[str, Any]], None],
        tell: Callable[[str], None],
    ) -> None:
        self.path = folder / "books" / "dynamodb.json"
        self._checkpoints = folder / "checkpoints.json"
        self._state = state
        self._restore = restore
        self._tell = tell
        self._failing = False
        self._saving = threading.Lock()

    def load(self) -> None:
        """Puts the books that are kept into the engine, and the checkpoints in their place.

        Books that cannot be read are put aside and told of. Raises OSError where that fails.
        """
        checkpoints = None
        try:
            kept = self._read()
            self._restore(kept["payload"])
            checkpoints = kept.get("checkpoints")
        except FileNotFoundError:
            pass  # The first start.
        except Exception as error:
            aside = self._put_aside()
            self._tell(
                f"the books in {self.path} cannot be read ({_words(error)}). They are kept as "
                f"{aside.name} beside it; this server begins with empty books."
            )
        if checkpoints is None:
            # Then everything is fed to the readers again, from the beginning.
            self._checkpoints.unlink(missing_ok=True)
        else:
            self._checkpoints.write_text(json.dumps(checkpoints))

    def save(self) -> bool:
        """Writes what the engine holds; whether that worked. Where not, what was kept still is."""
        with self._saving:
            return self._save()

    def _save(self) -> bool:
        try:
            self._write(self.path.with_suffix(".json.new"))
        except Exception as error:
            if not self._failing:
                self._tell(
                    f"the books could not be saved in {self.path} ({_words(error)}). "
                    f"What was saved before is still there. The engine (process {os.getpid()}) "
                    "holds the books in memory and tries again until it can; what was written "
                    "since the last save is lost if it is killed."
                )
            self._failing = True
            return False
        if self._failing:
            self._tell(f"the books are saved now, in {self.path}; nothing is lost.")
        self._failing = False
        return True

    def _read(self) -> dict[str, Any]:
        # The engine's own format, so that what older versions of Twofold kept can be read.
        with self.path.open() as file:
            kept = json.load(file, object_hook=persistence._json_object_hook)
        if not isinstance(kept, dict) or not isinstance(kept.get("payload"), dict):
            raise Unreadable("it does not have the form of saved books")
        known = persistence._state_format_version("dynamodb")
        if (
            not isinstance(kept["__ministack_format__"], int)
            or kept["__ministack_format__"] > known
        ):
            raise Unreadable("it was written by a newer version of the engine")
        if not isinstance(kept["payload"].get("tables"), AccountRegionScopedDict):
            raise Unreadable("it has no tables")
        return kept

    def _write(self, fresh: Path) -> None:
        # Read first: what the readers take meanwhile is in the books, and repeated at most.
        checkpoints = _json_of(self._checkpoints)
        content = {
            "__ministack_format__": persistence._state_format_version("dynamodb"),
            "payload": self._state(),
            "checkpoints": checkpoints,
        }
        self.path.parent.mkdir(exist_ok=True)
        try:
            with fresh.open("w") as file:
                json.dump(content, file, default=persistence._json_default)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except BaseException:
            if fresh.is_file():
                fresh.unlink()  # It takes room that there is too little of.
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put_aside(self) -> Path:
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        return self.path.rename(self.path.with_name(f"{self.path.name}.damaged-{now}"))


def _json_of(path: Path) -> Any:
    """What a file of JSON says; None if there is none, or it is damaged."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _words(error: Exception) -> str:
    """What an error says, in one line."""
    said = error.strerror if isinstance(error, OSError) else None
    return (said or f"{type(error).__name__}: {error}").splitlines()[0]
