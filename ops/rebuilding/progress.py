"""Progress of a rebuild in a file, from which an interrupted one continues."""

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STALE = timedelta(days=1)
"""The age at which progress is ignored, and a rebuild begins again."""

DONE = "done"
Position = dict[str, Any] | str | None
"""The start key of the rest of a segment, DONE, or None for its beginning."""


class Progress:
    """The position of each segment of each pass by name, counts of what was done, and complaints.

    `segments` is the number of segments of a scan, which stays the same in a rebuild.
    """

    def __init__(self, path: Path, segments: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._positions: dict[str, Position] = {}
        self.segments = segments
        self.began = datetime.now(UTC).isoformat()
        self.resumed = False
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        if path.exists():
            self._go_on_from(json.loads(path.read_text()))

    def at(self, part: str) -> Position:
        """The position of a part of the work."""
        return self._positions.get(part)

    def add(self, what: str, count: int) -> None:
        """Adds to a count, which `reached` saves."""
        with self._lock:
            self.counts[what] += count

    def complain(self, complaint: str) -> None:
        """Adds a complaint, which `reached` saves."""
        with self._lock:
            self.complaints.append(complaint)

    def reached(self, part: str, position: Position) -> None:
        """Saves that everything up to a position is done."""
        with self._lock:
            self._positions[part] = position
            content = {
                "began": self.began,
                "segments": self.segments,
                "places": self._positions,
                "counts": self.counts,
                "complaints": self.complaints,
            }
            # Replaced atomically.
            fresh = self._path.with_suffix(f".{os.getpid()}")
            fresh.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(content))
            fresh.replace(self._path)

    def forget(self) -> None:
        """Deletes the file, after a complete rebuild."""
        self._path.unlink(missing_ok=True)

    def _go_on_from(self, kept: Mapping[str, Any]) -> None:
        if datetime.now(UTC) - datetime.fromisoformat(kept["began"]) > STALE:
            return
        self.resumed = True
        self.began, self.segments = kept["began"], kept["segments"]
        self._positions, self.complaints = kept["places"], kept["complaints"]
        self.counts.update(kept["counts"])
