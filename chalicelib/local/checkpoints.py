"""Checkpoints of the local environment in a file, saved together with the engine's data."""

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

    The engine saves and restores the file with its data, so it is never ahead of them. If it cannot
    be written, it stays unchanged: the next start repeats records.

    A stream ends with its engine process, whose id is `engine`. From the file of another engine
    only `behind_since` is derived: the time (RFC 3339) up to which all `projectors` had processed
    its records, "" for the beginning, None if nothing was missed or after `caught_up`.
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
        """The last processed sequence number, if any."""
        return self._taken.get(f"{function} {shard}", (None, None))[0]

    def set(self, function: str, shard: str, record: Record) -> None:
        """Saves that all records up to this one are processed or discarded."""
        created = record["dynamodb"]["ApproximateCreationDateTime"]
        time = rfc3339(datetime.fromtimestamp(created, UTC))
        with self._lock:
            self._taken[f"{function} {shard}"] = (sequence(record), time)
            self._save()

    def trimmed(self, function: str, shard: str) -> None:
        """Saves that records were trimmed before they were read."""
        with self._lock:
            _, until = self._taken.pop(f"{function} {shard}", ("", self._began))
            behind = self.behind_since
            self.behind_since = until if behind is None else min(until, behind)
            self._save()

    def caught_up(self) -> None:
        """Saves that missed events were projected from the event table."""
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
        # Replaced atomically, even if two servers write.
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
