"""Progress: how far a rebuild has come, kept in a file so that a killed one goes on from there."""

import json
import os
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

STALE = timedelta(days=1)
"""A rebuild that was left alone for so long begins again: much may have happened behind it."""

DONE = "done"
Place = dict[str, Any] | str | None
"""The key after which a segment goes on; None is its beginning."""


class Progress:
    """The place of each segment of each pass, by name; what was done so far, and what could not be.

    `segments` is into how many parts tables are divided: as many as when the rebuild began.
    """

    def __init__(self, path: Path, segments: int) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self.segments = segments
        self.began = datetime.now(UTC).isoformat()
        self.resumed = False
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        if path.exists():
            self._go_on_from(json.loads(path.read_text()))

    def at(self, part: str) -> Place:
        """Where a part of the work goes on."""
        return self._places.get(part)

    def add(self, what: str, count: int) -> None:
        """Counts what is done. It is kept when the next place is reached."""
        with self._lock:
            self.counts[what] += count

    def complain(self, complaint: str) -> None:
        """Remembers what could not be done. It is kept likewise."""
        with self._lock:
            self.complaints.append(complaint)

    def reached(self, part: str, place: Place) -> None:
        """Remembers that everything up to a place is done."""
        with self._lock:
            self._places[part] = place
            content = {
                "began": self.began,
                "segments": self.segments,
                "places": self._places,
                "counts": self.counts,
                "complaints": self.complaints,
            }
            # Written aside and moved into place: a kill leaves the one or the other.
            fresh = self._path.with_suffix(f".{os.getpid()}")
            fresh.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(content))
            fresh.replace(self._path)

    def forget(self) -> None:
        """All is done: the next rebuild begins anew."""
        self._path.unlink(missing_ok=True)

    def _go_on_from(self, kept: Mapping[str, Any]) -> None:
        if datetime.now(UTC) - datetime.fromisoformat(kept["began"]) > STALE:
            return
        self.resumed = True
        self.began, self.segments = kept["began"], kept["segments"]
        self._places, self.complaints = kept["places"], kept["complaints"]
        self.counts.update(kept["counts"])
