"""Books to be audited: every kind of event, two assets, all projected; and ways to damage them."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any, NamedTuple

from chalicelib.commands.executor import Executor
from chalicelib.commands.routing import Command
from chalicelib.domain.account.commands import (
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    UnfreezeAccount,
)
from chalicelib.domain.stripes import stripes_of
from chalicelib.domain.transaction.commands import (
    Entry,
    ExpireHold,
    HoldTransaction,
    PostHold,
    ReverseTransaction,
    VoidHold,
)
from chalicelib.events.dynamodb import DynamoStore, from_item
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.tables import Table
from ops.auditing.auditor import Auditor
from ops.auditing.examining import Examination
from ops.auditing.findings import Report
from tests.domain.books import NOW, credit, debit, opening, posting
from tests.projected import forget_written, project_all

EXAMINATION = ("bucket", "against", "anew", "file")
"""The options of an examination; all others are the auditor's."""

Item = dict[str, dict[str, Any]]


class Keeper:
    """Writes to the event table on a clock of its own."""

    def __init__(self) -> None:
        self.now = NOW
        self._executor = Executor(DynamoStore(), clock=lambda: self.now)

    def do(self, *commands: Command) -> None:
        """One after the other, a second apart."""
        for command in commands:
            self._executor.execute(command, actor="key-1")
            self.now += timedelta(seconds=1)

    def in_parallel(self, *commands: Command) -> None:
        """All in one commit."""
        self._executor.execute_together(commands, actor="key-1")
        self.now += timedelta(seconds=1)


def hold(id: str, *entries: Entry, ledger: str, seconds: int | None = None) -> HoldTransaction:
    """The command that sets money aside."""
    return HoldTransaction(
        ledger=ledger, transaction=id, entries=entries, timeout_seconds=seconds, reference="hotel"
    )


def write(ledger: str) -> None:
    """A ledger in which everything happened, and on an account with stripes too."""
    keeper = Keeper()
    keeper.do(
        opening("cash", min_balance=None, ledger=ledger),
        opening("alice", normal_balance="credit", metadata={"name": "Alice"}, ledger=ledger),
        opening("bob", normal_balance="credit", max_balance=5000, ledger=ledger),
        opening("till", asset="EUR/2", min_balance=None, ledger=ledger),
        opening("carl", asset="EUR/2", normal_balance="credit", ledger=ledger),
        opening("empty", ledger=ledger),
        posting("p1", debit("cash", 1000), credit("alice", 1000), reference="gift", ledger=ledger),
        posting("p2", debit("alice", 100), credit("bob", 60), credit("bob", 40), ledger=ledger),
        posting(
            "p3",
            *(debit("till", 7), credit("carl", 7), debit("cash", 3), credit("bob", 3)),
            metadata={"two": "assets"},
            ledger=ledger,
        ),
        hold("open", debit("alice", 50), credit("bob", 50), ledger=ledger, seconds=10**6),
        hold("part", debit("alice", 30), credit("bob", 30), ledger=ledger),
        hold("void", debit("alice", 20), credit("bob", 10), credit("bob", 10), ledger=ledger),
        hold("late", debit("alice", 10), credit("bob", 10), ledger=ledger, seconds=1),
        PostHold(ledger=ledger, transaction="part", amount=20, key="k"),
        VoidHold(ledger=ledger, transaction="void", reason="left"),
        ExpireHold(ledger=ledger, transaction="late"),
        ReverseTransaction(ledger=ledger, transaction="r1", reverses="p2"),
        ReverseTransaction(ledger=ledger, transaction="r2", reverses="part"),
        ChangeAccount(ledger=ledger, account="alice", metadata={"name": "Al"}, max_balance=9000),
        FreezeAccount(ledger=ledger, account="alice", debits=True, credits=False),
        UnfreezeAccount(ledger=ledger, account="alice", debits=True, credits=True),
        FreezeAccount(ledger=ledger, account="carl", debits=True, credits=True),
        CloseAccount(ledger=ledger, account="empty"),
    )
    _write_stripes(keeper, ledger)
    keeper.in_parallel(
        posting("b1", debit("cash", 11), credit("alice", 11), ledger=ledger),
        posting("b2", debit("cash", 12), credit("alice", 12), ledger=ledger),
    )


def _write_stripes(keeper: Keeper, ledger: str) -> None:
    """Two striped accounts: one is frozen and not empty, one closed, with money on its stripes."""
    random.seed(1)  # Stripes are drawn: so that all books that are written are the same.
    keeper.do(
        opening("hot", normal_balance="credit", min_balance=None, stripes=2, ledger=ledger),
        opening("over", normal_balance="credit", min_balance=None, stripes=2, ledger=ledger),
        posting("s1", debit("cash", 5), credit("hot", 5), ledger=ledger),
        hold("s2", debit("cash", 4), credit("hot", 4), ledger=ledger),
        FreezeAccount(ledger=ledger, account="hot", debits=True, credits=False),
    )
    for number in count():
        keeper.do(
            posting(f"in{number}", debit("cash", 1), credit("over", 1), ledger=ledger),
            posting(f"out{number}", debit("over", 1), credit("cash", 1), ledger=ledger),
        )
        stripes = [account_stream(ledger, id) for id in stripes_of("over", 2)]
        if any(account_state(head).posted for head in DynamoStore().load(stripes).values()):
            break
    keeper.do(CloseAccount(ledger=ledger, account="over"))


def project() -> None:
    """Feeds all read models with everything that is in the event table."""
    forget_written()  # Of tables that another test had.
    events = [from_item(item) for item in EventItem.scan()]
    for start in range(0, len(events), 50):
        project_all(events[start : start + 50])


def no_wait(_: float) -> None:
    """Instead of a pause. Other processes can be given it."""


def audited(**options: Any) -> Report:
    """An audit that waits for nothing."""
    given = {name: options.pop(name) for name in EXAMINATION if name in options}
    auditor = Auditor(**{"patience": 0.0, "segments": 2, "sleep": no_wait, **options})
    return Examination(auditor, **given).run()


def said(report: Report) -> list[str]:
    """What was found, as an operator sees it."""
    return [str(finding) for finding in report.found]


def items(table: type[Table]) -> list[Item]:
    """All of a table as it is stored, in a fixed order."""
    connection = table._get_connection()
    found: Sequence[Item] = connection.scan()["Items"]
    return sorted(found, key=lambda item: str(key_of(table, item)))


def counted() -> tuple[int, int]:
    """How many events there are, and of how many streams."""
    events = items(EventItem)
    return len(events), len({event["stream"]["S"] for event in events})


def key_of(table: type[Table], item: Item) -> Item:
    """The key attributes of an item."""
    names = [table._hash_keyname, table._range_keyname]
    return {name: item[name] for name in names if name is not None}


def put(table: type[Table], item: Item) -> None:
    """Stores an item as it is, whatever it says."""
    client: Any = table._get_connection().connection.client
    client.put_item(TableName=table.Meta.table_name, Item=item)


def delete(table: type[Table], item: Item) -> None:
    """Takes an item out."""
    client: Any = table._get_connection().connection.client
    client.delete_item(TableName=table.Meta.table_name, Key=key_of(table, item))


@contextmanager
def damaged(table: type[Table], *gone: Item, after: Item | None = None) -> Iterator[None]:
    """Items are gone, or one is there instead, for a while."""
    before = [*gone]
    if after is not None:
        before += _stored_at(table, after)
    for item in gone:
        delete(table, item)
    if after is not None:
        put(table, after)
    try:
        yield
    finally:
        if after is not None:
            delete(table, after)
        for item in before:
            put(table, item)


def _stored_at(table: type[Table], item: Item) -> list[Item]:
    """The item that is stored under the key of another, or none."""
    client: Any = table._get_connection().connection.client
    name, key = table.Meta.table_name, key_of(table, item)
    found = client.get_item(TableName=name, Key=key, ConsistentRead=True)
    return [found["Item"]] if "Item" in found else []


class Damage(NamedTuple):
    """An item that is gone, or another one (`after`) that is in its place or beside it."""

    table: type[Table]
    gone: Item | None
    after: Item | None = None


@contextmanager
def all_damaged(damages: Iterable[Damage]) -> Iterator[None]:
    """Items of different keys are damaged, for a while."""
    with ExitStack() as stack:
        for table, gone, after in damages:
            stack.enter_context(damaged(table, *([gone] if gone else []), after=after))
        yield


def altered(item: Item, name: str, change: Callable[[Any], Any]) -> Item:
    """The item with one attribute changed."""
    ((kind, value),) = item[name].items()
    return {**item, name: {kind: change(value)}}


def another_byte(value: Any, place: int = -1) -> Any:
    """The same text, number or bytes with one byte of it changed."""
    if isinstance(value, bytes):
        place %= len(value)
        return value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
    place %= len(value)
    other = "7" if value[place] != "7" else "3"
    return f"{value[:place]}{other}{value[place + 1 :]}"
