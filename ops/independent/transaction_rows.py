"""The expected rows of transactions, and of the days on which there were any."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from ops.independent.stored import STATES, Event, Item, item_of, json_of, time_of


def transaction_row(events: Sequence[Event]) -> Item:
    """The row of a transaction after these events."""
    first, newest = events[0], events[-1]
    ledger, id, data = first["ledger"], first["id"], newest["data"]
    pending = newest["type"] == "TransactionHeld"
    expires_at = data.get("expires_at") and time_of(data["expires_at"])
    resolution = data.get("resolution") or {}
    later = {
        "resolved_at": resolution and time_of(resolution["at"]),
        "void_reason": resolution.get("reason"),
        "reverses": data.get("reverses"),
        "reversed_by": data.get("reversed_by"),
    }
    body = {
        "id": id,
        "ledger": ledger,
        "state": STATES[newest["type"]],
        "reference": data.get("reference"),
        "effective_at": time_of(data["effective_at"]),
        "recorded_at": first["recorded_at"],
        "metadata": data.get("metadata", {}),
        "version": len(events),
        "entries": [_entry(entry) for entry in data["entries"]],
        **({"expires_at": expires_at} if data.get("is_hold") else {}),
        **{name: value for name, value in later.items() if value},
    }
    day, reference, bucket = first["recorded_at"][:10], body["reference"], crc32(id.encode()) % 4
    return item_of(
        key=f"{ledger}/{id}",
        version=len(events),
        body=json_of(body),
        place=f"{first['recorded_at']}#{id}",
        day_bucket=f"{ledger}/{day}#{bucket}",
        reference_bucket=f"{ledger}/{reference}#{bucket}" if reference else None,
        pending_bucket=f"{ledger}#{bucket}" if pending else None,
        expiry_bucket=f"expiring#{bucket}" if pending and expires_at else None,
        expires_at=expires_at if pending else None,
    )


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    """The body of an entry; one of a stripe `name~2of4` is shown for its account."""
    account, _, stripe = entry["account"].partition("~")
    version = entry["version"]
    if stripe:
        number, count = map(int, stripe.split("of"))
        version = (version - 1) * (count + 1) + number + 1
    return {
        "account": account,
        "direction": entry["direction"],
        "amount": str(entry["amount"]),
        "asset": entry["asset"],
        "version": version,
        "balance_after": None if stripe else str(entry["balance_after"]),
    }


def day_row(ledger: str, day: str) -> Item:
    """The row that lists a day on which the ledger has transactions."""
    return item_of(
        key=f"{ledger}#{day}", version=0, body="{}", place=day, day_bucket=f"{ledger}#days"
    )
