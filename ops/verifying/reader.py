"""A reader of stored events, which can read many together."""

from collections.abc import Iterable, Iterator, Mapping

from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.events.table import EventItem
from ops.verifying.events import Coordinates, event_of, readable
from ops.verifying.raw import Item, get, get_all, key, key_text, query

_SHORT = 8
"""Streams with fewer events, as nearly all transactions, are read by coordinates. Others are
queried."""


class Reader:
    """Reads events. An event that was fetched is as it was then."""

    def __init__(self) -> None:
        self._fetched: dict[Coordinates, Item | None] = {}
        self._versions: dict[str, int] = {}

    def fetch(self, wanted: Iterable[Coordinates]) -> None:
        """Reads those of these events together that were not fetched before."""
        keys = {each: key(EventItem, *each) for each in wanted if each not in self._fetched}
        found = get_all(EventItem, list(keys.values()))
        for coordinates, item in keys.items():
            self._fetched[coordinates] = found.get(key_text(EventItem, item))

    def fetch_streams(self, versions: Mapping[str, int]) -> None:
        """Reads short streams together, each known to have been at this version."""
        short = {name: version for name, version in versions.items() if version < _SHORT}
        self._versions |= short
        self.fetch(
            (name, number) for name, version in short.items() for number in range(1, version + 2)
        )

    def stream(self, name: str) -> Iterator[Item]:
        """The events of a stream."""
        until = self._versions.get(name)
        if until is None or self._fetched[name, until + 1] is not None:
            return query(EventItem, name)  # It is long, or longer than it was.
        found = (self._fetched[name, version] for version in range(1, until + 1))
        return (item for item in found if item is not None)

    def event(self, coordinates: Coordinates) -> Recorded | None:
        """The stored event, if any. Raises UnknownEvent."""
        if coordinates in self._fetched:
            item = self._fetched[coordinates]
        else:
            item = get(EventItem, key(EventItem, *coordinates))
        return readable(item) if item else None

    def read(self, coordinates: Coordinates) -> Recorded | None:
        """The stored event; None if there is none, or it is unreadable: a finding of its stream."""
        try:
            one = self.event(coordinates)
            if one is not None:
                event_of(one)
        except UnknownEvent:
            return None
        return one
