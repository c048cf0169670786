"""Contestants: who takes part, the table of each, and how its histories are made."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.books import history, item_of
from benchmarks.engine import Missing, fill
from benchmarks.results import say
from benchmarks.stores import peers, twofold
from benchmarks.stores.clients import Clients
from benchmarks.stores.postgres import postgres
from benchmarks.units import item_size
from chalicelib.events.table import EventItem
from chalicelib.tables import connection

OURS, LOADING = "Twofold", "Twofold, without head cache"
"""The second one loads both accounts for every transfer, as do the bare loop and the others: it is
the one that those are compared with."""

HORDAK = {"checked": "django-hordak, checked", "unchecked": "django-hordak, unchecked"}
ORDER = (OURS, LOADING, "bare loop", "Castore", "eventsourcing", *HORDAK.values())
"""The names of all, in the order in which they are shown."""

Fill = Callable[[Sequence[str], int], None]
_MODULE = "benchmarks.stores"
_TEMPLATE = "template"


@dataclass
class Contestant:
    """One that takes part. `fill` makes accounts with so many events each, and `stored` counts the
    events of accounts that are there now, where the engine is DynamoDB.
    """

    name: str
    clients: Clients
    fill: Fill
    stored: Callable[[Sequence[str]], int] | None = None
    event_bytes: Callable[[], int] | None = None


def all_contestants(
    stack: ExitStack, endpoint: str, number: int
) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can take part, each with so many clients, and why the others cannot."""
    makers: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: _twofold(OURS, stack, endpoint, number),
        LOADING: lambda: _twofold(LOADING, stack, endpoint, number),
        "bare loop": lambda: _floor(stack, endpoint, number),
        "Castore": lambda: _castore(stack, endpoint, number),
        "eventsourcing": lambda: _eventsourcing(stack, endpoint, number),
    }
    found, missing = [], {}
    for name, make in makers.items():
        try:
            found.append(make())
        except Missing as error:
            missing[name] = str(error)
    try:
        found += _hordak(stack, number)
    except (Missing, OSError, RuntimeError) as error:
        missing["django-hordak"] = str(error)
    for name, why in missing.items():
        say(f"stores: without {name}: {why}")
    return found, missing


def _twofold(name: str, stack: ExitStack, endpoint: str, number: int) -> Contestant:
    table, ledger = str(EventItem.Meta.table_name), name.replace(" ", "-").replace(",", "")
    if name == OURS:
        _make(table, "stream", "version")
    command = twofold.command(ledger, remembers=name == OURS)
    clients = Clients(stack, command, number, {"AWS_ENDPOINT_URL_DYNAMODB": endpoint})

    def make(accounts: Sequence[str], events: int) -> None:
        items = (
            item_of(event) for account in accounts for event in history(ledger, account, events)
        )
        fill(endpoint, table, items)

    return _on_dynamodb(name, clients, table, "stream", make)


def _floor(stack: ExitStack, endpoint: str, number: int) -> Contestant:
    table = "bench-floor"
    _make(table, "stream", "version")
    command = [sys.executable, "-m", f"{_MODULE}.floor", table, endpoint]

    def make(accounts: Sequence[str], events: int) -> None:
        items = [item_of(event) for event in history("floor", accounts[0], events)]
        fill(endpoint, table, _copies(items, "stream", clients.tell(_keys(accounts))[0]["keys"]))

    clients = Clients(stack, command, number)
    return _on_dynamodb("bare loop", clients, table, "stream", make)


def _castore(stack: ExitStack, endpoint: str, number: int) -> Contestant:
    table = "bench-castore"
    command = peers.castore()
    _make(table, "aggregateId", "version", index=("eventStoreId", "timestamp"))
    clients = Clients(stack, [*command, table, endpoint], number, {"NODE_NO_WARNINGS": "1"})
    make = _grown(clients, endpoint, table, "aggregateId", "version")
    return _on_dynamodb("Castore", clients, table, "aggregateId", make)


def _eventsourcing(stack: ExitStack, endpoint: str, number: int) -> Contestant:
    table = "bench-eventsourcing"
    interpreter = peers.python("eventsourcing", peers.EVENTSOURCING)
    _make(table, "originator_id", "originator_version")
    command = [interpreter, "-m", f"{_MODULE}.pyeventsourcing", table, endpoint]
    clients = Clients(stack, command, number)
    make = _grown(clients, endpoint, table, "originator_id", "originator_version")
    return _on_dynamodb("eventsourcing", clients, table, "originator_id", make)


def _hordak(stack: ExitStack, number: int) -> list[Contestant]:
    interpreter = peers.python("hordak", peers.HORDAK)
    address = stack.enter_context(postgres())
    made: dict[str, Contestant] = {}
    for mode in HORDAK:
        command = [interpreter, "-m", f"{_MODULE}.hordak", address, mode]
        clients = Clients(stack, command, number)

        def make(accounts: Sequence[str], events: int, clients: Clients = clients) -> None:
            if clients is made["checked"].clients:  # The other one shares its database.
                clients.tell({"do": "fill", "accounts": accounts, "events": events})

        made[mode] = Contestant(HORDAK[mode], clients, make)
    made["checked"].clients.tell({"do": "template"})
    return list(made.values())


def _grown(clients: Clients, endpoint: str, table: str, hash: str, order: str) -> Fill:
    """Makes histories out of the two events that a contestant itself wrote: an opening, and copies
    of what came after it.
    """
    template: list[dict[str, Any]] = []

    def make(accounts: Sequence[str], events: int) -> None:
        if not template:
            clients.tell({"do": "template"})
            ((key,),) = [answer["keys"] for answer in clients.tell(_keys([_TEMPLATE]))]
            template.extend(_items(table, hash, key))
        first, second = template
        rest = ({**second, order: {"N": str(version)}} for version in range(2, events + 1))
        items = [first, *rest]
        fill(endpoint, table, _copies(items, hash, clients.tell(_keys(accounts))[0]["keys"]))

    return make


def _copies(
    items: Sequence[dict[str, Any]], hash: str, keys: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for key in keys:
        for item in items:
            yield {**item, hash: {"S": key}}


def _keys(accounts: Sequence[str]) -> dict[str, Any]:
    return {"do": "keys", "accounts": list(accounts)}


def _on_dynamodb(name: str, clients: Clients, table: str, hash: str, make: Fill) -> Contestant:
    def stored(accounts: Sequence[str]) -> int:
        keys = clients.tell(_keys(accounts))[0]["keys"]
        return sum(_count(table, hash, key) for key in keys)

    def event_bytes() -> int:
        """The size of an account's ordinary event: the last of some."""
        (key,) = clients.tell(_keys(["10-0"]))[0]["keys"]
        return item_size(_items(table, hash, key)[-1])

    return Contestant(name, clients, make, stored, event_bytes)


def _make(table: str, hash: str, order: str, index: tuple[str, str] | None = None) -> None:
    """A table without a stream, which some contestants have no use for."""
    client: Any = connection().client
    attributes = {hash: "S", order: "N", **(dict.fromkeys(index, "S") if index else {})}
    indexes = (
        {
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "initialEvents",
                    "KeySchema": _schema(*index),
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ]
        }
        if index
        else {}
    )
    client.create_table(
        TableName=table,
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": type} for name, type in attributes.items()
        ],
        KeySchema=_schema(hash, order),
        BillingMode="PAY_PER_REQUEST",
        **indexes,
    )


def _schema(hash: str, order: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash, "KeyType": "HASH"},
        {"AttributeName": order, "KeyType": "RANGE"},
    ]


def _items(table: str, hash: str, key: str) -> list[dict[str, Any]]:
    return list(_query(table, hash, key)["Items"])


def _count(table: str, hash: str, key: str) -> int:
    """Of one page, which is enough: only short histories are counted."""
    return int(_query(table, hash, key, Select="COUNT")["Count"])


def _query(table: str, hash: str, key: str, **more: Any) -> Any:
    client: Any = connection().client
    return client.query(
        TableName=table,
        KeyConditionExpression="#hash = :key",
        ExpressionAttributeNames={"#hash": hash},
        ExpressionAttributeValues={":key": {"S": key}},
        **more,
    )
