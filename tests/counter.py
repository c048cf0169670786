"""A third aggregate, a counter, and its read model: what one takes beside the ledger's two."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from pynamodb.attributes import UnicodeAttribute

from chalicelib.commands.decider import Changes, Decider, Heads
from chalicelib.domain.errors import InvalidField
from chalicelib.events import dead_letters
from chalicelib.events.aggregates import Aggregate, register
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.stream import newest
from chalicelib.tables import Integer, ReadNamed, Table


class CounterIncreased(Struct, frozen=True):
    by: int


class Counter(Struct, frozen=True):
    total: int


class Increase(Struct, frozen=True):
    ledger: str
    counter: str
    by: int


def evolve(counter: Counter | None, event: CounterIncreased) -> Counter:
    return Counter((counter.total if counter else 0) + event.by)


def target_stream(command: Increase) -> Stream:
    return Stream(command.ledger, "counter", command.counter)


class Attempt:
    def required_streams(
        self,
        command: Increase,
        heads: Heads,  # noqa: ARG002  # It names no further stream.
        *,
        with_target: bool,  # noqa: ARG002  # It is always read.
    ) -> list[Stream]:
        return [target_stream(command)]

    def decide(
        self,
        command: Increase,
        heads: Heads,  # noqa: ARG002  # A counter can always grow.
        now: datetime,  # noqa: ARG002
    ) -> dict[Stream, Changes]:
        if command.by < 1:
            raise InvalidField("by", "a counter only grows")
        return {target_stream(command): Changes([CounterIncreased(command.by)])}


register(Aggregate(kind="counter", events=(CounterIncreased,), state=Counter, evolve=evolve))
COUNTING = Decider(target_stream=target_stream, attempt=lambda _: Attempt())


class CounterRow(Table):
    class Meta(metaclass=ReadNamed):
        name = "counters"

    key = UnicodeAttribute(hash_key=True)
    version = Integer()
    total = Integer()


class Counters:
    """The read model and, of it alone, the group that feeds it."""

    name = "counters"
    dead_letters = dead_letters.table_of_group("counters")

    @property
    def projected(self) -> Sequence["Counters"]:
        return [self]

    def project(self, events: Sequence[Recorded]) -> None:
        for stream, event in newest("counter", events).items():
            state = event.state
            assert isinstance(state, Counter)
            row = CounterRow(str(stream), version=event.version, total=state.total)
            row.save(CounterRow.version.does_not_exist() | (CounterRow.version < event.version))
