"""The progress of a rebuild in files, from which an interrupted one continues.

Each part of the work has its own file, so that no two processes write the same one.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STALE_SECONDS = 24 * 3600.0
"""A rebuild whose last progress is older than this begins again."""

DONE = "done"
Position = dict[str, Any] | str | None
"""The start key of the rest of a segment, DONE, or None for its beginning."""

_RUN = "run.json"


class Part:
    """A part of the work: how far it has come, counts of what was done, and complaints.

    They are saved together by `reached`, so that after a kill no page is counted twice.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.position: Position = None
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        if path.exists():
            kept = json.loads(path.read_bytes())
            self.position, self.complaints = kept["position"], kept["complaints"]
            self.counts.update(kept["counts"])

    def add(self, what: str, count: int) -> None:
        """Adds to a count."""
        with self._lock:
            self.counts[what] += count

    def complain(self, complaint: str) -> None:
        """Adds a complaint."""
        with self._lock:
            self.complaints.append(complaint)

    def reached(self, position: Position) -> None:
        """Saves that everything up to a position is done."""
        with self._lock:
            counts, complaints = dict(self.counts), self.complaints
            content = {"position": position, "counts": counts, "complaints": complaints}
            _write(self._path, content)
            self.position = position


class Progress:
    """The parts of a rebuild, in a folder, which `began` then. `resumed` says that it continues."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = datetime.now(UTC).isoformat()
        self.resumed = False
        self._segments: dict[str, int] = {}
        kept = list(self._files())
        if any(time.time() - each.stat().st_mtime < STALE_SECONDS for each in kept):
            run = json.loads((folder / _RUN).read_bytes())
            self.began, self._segments, self.resumed = run["began"], run["segments"], True
        else:
            for each in kept:
                each.unlink()
            self._save()

    def part(self, name: str) -> Part:
        """A part of the work, as far as it has come."""
        return Part(part_file(self.folder, name))

    def segments(self, label: str, count: int) -> int:
        """The number of segments of a pass: `count`, or that with which it began."""
        if label not in self._segments:
            self._segments[label] = count
            self._save()
        return self._segments[label]

    @property
    def counts(self) -> Counter[str]:
        """The counts of all parts, also those of zero."""
        counts: Counter[str] = Counter()
        for part in self._parts():
            counts.update(part.counts)
        return counts

    @property
    def complaints(self) -> list[str]:
        """The complaints of all parts."""
        return [complaint for each in self._parts() for complaint in each.complaints]

    def _parts(self) -> Iterator[Part]:
        return (Part(each) for each in sorted(self._files()) if each.name != _RUN)

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("*.json")

    def _save(self) -> None:
        _write(self.folder / _RUN, {"began": self.began, "segments": self._segments})


def part_file(folder: Path, name: str) -> Path:
    """The file of a part."""
    return folder / f"{name.replace(': ', '-').replace(' ', '-')}.json"


def _write(path: Path, content: Any) -> None:
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(content))
    fresh.replace(path)
