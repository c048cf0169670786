"""The expected rows of accounts in each read model."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

from ops.independent.accounts import states_of
from ops.independent.stored import ENTRIES, Event, Item, item_of, json_of, posted, time_of


def balance_row(events: Sequence[Event]) -> Item:
    """The row of an account or a stripe after these events."""
    newest, account = events[-1], list(states_of(events))[-1]
    ledger, id, stripes = newest["ledger"], newest["id"], account["stripes"]
    out = "credits" if account["normal_balance"] == "debit" else "debits"
    body = {
        "id": id,
        "ledger": ledger,
        "asset": account["asset"],
        "normal_balance": account["normal_balance"],
        "min_balance": _text_or_none(account["min_balance"]),
        "max_balance": _text_or_none(account["max_balance"]),
        "posted": str(posted(account)),
        "pending_debits": str(account["pending_debits"]),
        "pending_credits": str(account["pending_credits"]),
        "available": str(posted(account) - account[f"pending_{out}"]),
        "frozen": {"debits": account["frozen_debits"], "credits": account["frozen_credits"]},
        "state": "closed" if account["closed"] else "open",
        "metadata": {},
        "version": len(events) if stripes == 1 else (len(events) - 1) * (stripes + 1) + 1,
        "opened_at": time_of(account["opened_at"]),
        "recorded_at": newest["recorded_at"],
        **({"stripes": stripes} if stripes > 1 else {}),
    }
    whole, _, stripe = id.partition("~")
    return item_of(
        partition=f"{ledger}/{whole}" if stripe else f"{ledger}#{crc32(id.encode()) % 8}",
        account=id,
        version=len(events),
        body=json_of(body),
        expiring=json_of(account["expiring"]) if account["expiring"] else None,
        metadata_set_by=account["metadata_version"],
        metadata_version=account["metadata_version"],
        metadata=json_of(account["metadata"]),
    )


def statement_rows(events: Sequence[Event]) -> Iterator[Item]:
    """The rows of an account's statement."""
    opened, moved = events[0]["data"], Counter[str]()
    for event in events:
        data, is_entry = event["data"], event["type"] in ENTRIES
        if is_entry:
            moved[f"{data['direction']}s"] += data["amount"]
        yield item_of(
            account=f"{event['ledger']}/{event['id']}",
            place=f"{event['recorded_at']}#{event['version']:016d}",
            version=event["version"],
            asset=opened["asset"],
            balance=posted({**opened, "debits": moved["debits"], "credits": moved["credits"]}),
            recorded_at=event["recorded_at"],
            stripes=opened.get("stripes"),
            transaction=data["transaction"] if is_entry else None,
            direction=data["direction"] if is_entry else None,
            amount=data["amount"] if is_entry else None,
            effective_at=time_of(data["effective_at"]) if is_entry else None,
            reference=data["reference"] if is_entry else None,
        )


def total_rows(accounts: Sequence[Sequence[Event]]) -> list[Item]:
    """The row of each account, and of the sum of each shard and asset."""
    rows: list[Item] = []
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for events in accounts:
        moved: Counter[str] = Counter()
        for event in events:
            if event["type"] in ENTRIES:
                moved[event["data"]["direction"]] += event["data"]["amount"]
        newest = events[-1]
        ledger, id, as_of = newest["ledger"], newest["id"], newest["recorded_at"]
        added = {"version": len(events), "debits": moved["debit"], "credits": moved["credit"]}
        rows.append(item_of(key=f"{ledger}/{id}", of="account", **added, as_of=as_of))
        key = f"{ledger}#{crc32(id.encode()) % 8}", events[0]["data"]["asset"]
        total = sums.setdefault(key, {"as_of": "", **dict.fromkeys(added, 0)})
        total |= {name: total[name] + count for name, count in added.items()}
        total["as_of"] = max(total["as_of"], as_of)
    return [*rows, *(item_of(key=key, of=asset, **total) for (key, asset), total in sums.items())]


def _text_or_none(number: int | None) -> str | None:
    return None if number is None else str(number)
