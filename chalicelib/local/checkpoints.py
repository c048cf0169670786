"""Checkpoints: how far each reader of the stream has come, and what was missed in between."""

import json
import logging
import os
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.fields import rfc3339

logger = logging.getLogger(__name__)


class Checkpoints:
    """The position of each reader in each shard, kept in a file so that a reload goes on there.

    The engine saves the file with its books and puts it back when it reads them, so it is never
    ahead of them. A position that cannot be written, as on a full disk, is one that stays behind:
    what was taken since is repeated after the next start.

    A stream ends with its engine, so the positions in another engine's stream tell only until when
    its records were delivered. `behind_since` is then that time (RFC 3339), "" for the beginning,
    and stays until `caught_up`; it is None where nothing was missed.
    """

    def __init__(self, path: Path | None, engine: str, readers: Collection[str] = ()) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._engine = engine
        self._began = rfc3339(datetime.now(UTC))
        self._taken: dict[str, tuple[str, str]] = {}
        self._failing = False
        self.behind_since: str | None = None if path is None else ""
        if path is not None and path.exists():
            self._go_on_from(json.loads(path.read_text()), readers)

    def get(self, reader: str, shard: str) -> str | None:
        """The last sequence number taken, or None."""
        return self._taken.get(f"{reader} {shard}", (None, None))[0]

    def set(self, reader: str, shard: str, record: Mapping[str, Any]) -> None:
        """Remembers that everything up to this record of a Lambda event was taken."""
        change = record["dynamodb"]
        created = datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC)
        with self._lock:
            self._taken[f"{reader} {shard}"] = (change["SequenceNumber"], rfc3339(created))
            self._save()

    def lost(self, reader: str, shard: str) -> None:
        """Remembers that the stream was trimmed beyond this reader's position."""
        with self._lock:
            _, until = self._taken.pop(f"{reader} {shard}", ("", self._began))
            self.behind_since = (
                until if self.behind_since is None else min(until, self.behind_since)
            )
            self._save()

    def caught_up(self) -> None:
        """Remembers that what was missed has been fed from the event table."""
        with self._lock:
            self.behind_since = None
            self._save()

    def _go_on_from(self, kept: Mapping[str, Any], readers: Collection[str]) -> None:
        if kept["engine"] == self._engine:
            self._began = kept["began"]
            self._taken = {key: (at, time) for key, (at, time) in kept["taken"].items()}
            self.behind_since = kept["behind_since"]
            return
        times = [time for _, time in kept["taken"].values()]
        if {key.split(" ")[0] for key in kept["taken"]} < set(readers) or not times:
            times.append(kept["began"])
        if kept["behind_since"] is not None:
            times.append(kept["behind_since"])
        self.behind_since = min(times)

    def _save(self) -> None:
        if self._path is None:
            return
        content = {
            "engine": self._engine,
            "began": self._began,
            "taken": self._taken,
            "behind_since": self.behind_since,
        }
        # Written aside and moved into place: never read half, whoever else is writing.
        fresh = self._path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            fresh.write_text(json.dumps(content))
            fresh.replace(self._path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            if not self._failing:
                logger.warning("how far the stream was read cannot be kept: %s", error)
            self._failing = True
        else:
            self._failing = False
