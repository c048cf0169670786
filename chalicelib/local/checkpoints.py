"""Checkpoints of the local environment: saved in a file, and compared with the engine's books."""

import json
import logging
import os
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.fields import rfc3339
from simulator.checkpoints import Checkpoints
from simulator.delivery import Record, sequence

logger = logging.getLogger(__name__)


class SavedCheckpoints(Checkpoints):
    """The last processed sequence number of each projector and shard, in a file.

    The engine saves the file with its books and restores it with them, so it is never ahead of
    them. If it cannot be written, as on a full disk, it stays as it was: the next start repeats
    what was processed since.

    A stream ends with its engine process, of which `engine` is the id. From the file of another
    engine only the time is used until which its records were processed by all `projectors`: that
    is `behind_since` (RFC 3339), "" for the beginning, until `caught_up`. None: nothing is missed.
    """

    def __init__(self, path: Path, engine: str, projectors: Collection[str] = ()) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._engine = engine
        self._began = rfc3339(datetime.now(UTC))
        self._taken: dict[str, tuple[str, str]] = {}  # Sequence number and time, as saved.
        self._failing = False
        self.behind_since: str | None = ""
        if path.exists():
            self._continue_from(json.loads(path.read_text()), projectors)

    def get(self, function: str, shard: str) -> str | None:
        """The last processed sequence number, or None."""
        return self._taken.get(f"{function} {shard}", (None, None))[0]

    def set(self, function: str, shard: str, record: Record) -> None:
        """Notes and saves that all records up to this one are processed or discarded."""
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        time = rfc3339(datetime.fromtimestamp(created, UTC))
        with self._lock:
            self._taken[f"{function} {shard}"] = (sequence(record), time)
            self._save()

    def trimmed(self, function: str, shard: str) -> None:
        """Notes that records were trimmed before they were read: they are missed."""
        with self._lock:
            _, until = self._taken.pop(f"{function} {shard}", ("", self._began))
            behind = self.behind_since
            self.behind_since = until if behind is None else min(until, behind)
            self._save()

    def caught_up(self) -> None:
        """Notes that what was missed has been projected from the event table."""
        with self._lock:
            self.behind_since = None
            self._save()

    def _continue_from(self, saved: Mapping[str, Any], projectors: Collection[str]) -> None:
        if saved["engine"] == self._engine:
            self._began = saved["began"]
            self._taken = {key: (number, time) for key, (number, time) in saved["taken"].items()}
            self.behind_since = saved["behind_since"]
            return
        times = [time for _, time in saved["taken"].values()]
        if {key.split(" ")[0] for key in saved["taken"]} < set(projectors) or not times:
            times.append(saved["began"])
        if saved["behind_since"] is not None:
            times.append(saved["behind_since"])
        self.behind_since = min(times)

    def _save(self) -> None:
        content = {
            "engine": self._engine,
            "began": self._began,
            "taken": self._taken,
            "behind_since": self.behind_since,
        }
        # A reader never sees half a file, even with two servers that write.
        fresh = self._path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            fresh.write_text(json.dumps(content))
            fresh.replace(self._path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            if not self._failing:
                logger.warning("checkpoints cannot be saved: %s", error)
            self._failing = True
        else:
            self._failing = False
