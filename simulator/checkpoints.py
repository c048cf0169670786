"""Checkpoints: how far each function has processed each shard."""

from simulator.delivery import Record, sequence


class Checkpoints:
    """The last processed sequence number of each shard for each function, in memory."""

    def __init__(self) -> None:
        self._processed: dict[tuple[str, str], str] = {}

    def get(self, function: str, shard: str) -> str | None:
        """The last processed sequence number, if any."""
        return self._processed.get((function, shard))

    def set(self, function: str, shard: str, record: Record) -> None:
        """Notes that all records up to this one are processed or discarded."""
        self._processed[function, shard] = sequence(record)

    def trimmed(self, function: str, shard: str) -> None:
        """Notes that records after the checkpoint were trimmed before they were read."""
        self._processed.pop((function, shard), None)
