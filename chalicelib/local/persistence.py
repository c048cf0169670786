"""Persistence of the engine's data in a file, from one run to the next.

The file has the engine's state and the checkpoints of the projectors at that time. It is replaced
atomically. A file that cannot be read is renamed, never deleted.
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
    """The file has no data of an engine, or those of a newer version."""


class Persistence:
    """Loads and saves the data in an engine's folder.

    `state` returns the engine's state, `restore` sets it, and `report` writes a line to the user.
    """

    def __init__(
        self,
        folder: Path,
        state: Callable[[], Mapping[str, Any]],
        restore: Callable[[Mapping[str, Any]], None],
        report: Callable[[str], None],
    ) -> None:
        self.path = folder / "books" / "dynamodb.json"
        self._checkpoints = folder / "checkpoints.json"
        self._state = state
        self._restore = restore
        self._report = report
        self._failing = False
        self._saving = threading.Lock()

    def load(self) -> None:
        """Restores the saved data. Renames and reports an unreadable file. Raises OSError."""
        checkpoints = None
        try:
            saved = self._read()
            self._restore(saved["payload"])
            checkpoints = saved.get("checkpoints")
        except FileNotFoundError:
            pass  # The first start.
        except Exception as error:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            aside = self.path.rename(self.path.with_name(f"{self.path.name}.damaged-{now}"))
            self._report(
                f"the books in {self.path} cannot be read ({_line(error)}). They are kept as "
                f"{aside.name} beside it; this server begins with empty books."
            )
        if checkpoints is None:
            self._checkpoints.unlink(missing_ok=True)  # All events are projected again.
        else:
            self._checkpoints.write_text(json.dumps(checkpoints))

    def save(self) -> bool:
        """Writes the engine's state; whether that worked. Otherwise the file is unchanged."""
        with self._saving:
            try:
                self._write(self.path.with_suffix(".json.new"))
            except Exception as error:
                if not self._failing:
                    self._report(
                        f"the books could not be saved in {self.path} ({_line(error)}). "
                        "What was saved before is still there. The engine (process "
                        f"{os.getpid()}) holds the books in memory and tries again until it can; "
                        "what was written since the last save is lost if it is killed."
                    )
                self._failing = True
                return False
            if self._failing:
                self._report(f"the books are saved now, in {self.path}; nothing is lost.")
            self._failing = False
            return True

    def _read(self) -> dict[str, Any]:
        # In ministack's format, for files of older versions of Twofold.
        with self.path.open() as file:
            saved = json.load(file, object_hook=persistence._json_object_hook)
        if not isinstance(saved, dict) or not isinstance(saved.get("payload"), dict):
            raise Unreadable("it does not have the form of saved books")
        version = saved["__ministack_format__"]
        if not isinstance(version, int) or version > _format_version():
            raise Unreadable("it was written by a newer version of the engine")
        if not isinstance(saved["payload"].get("tables"), AccountRegionScopedDict):
            raise Unreadable("it has no tables")
        return saved

    def _write(self, fresh: Path) -> None:
        # Checkpoints are read first: records that are processed meanwhile are repeated.
        checkpoints = _json(self._checkpoints)
        content = {
            "__ministack_format__": _format_version(),
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
                fresh.unlink()  # The disk may be full.
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _format_version() -> int:
    return int(persistence._state_format_version("dynamodb"))


def _json(path: Path) -> Any:
    """The content of a JSON file; None if it is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return (text or f"{type(error).__name__}: {error}").splitlines()[0]
