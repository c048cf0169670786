"""Accounts: the state of an account after each of its events."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from ops.independent.stored import ENTRIES, Event, time_of

_SIDES = ("debit", "credit")
_LISTED = 16


def states_of(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """An account's state with its metadata after each event: one dict, which is updated."""
    account: dict[str, Any] = {"expiring": [], "unlisted": 0, "unlisted_from": None}
    account |= dict.fromkeys(("debits", "credits", "pending_debits", "pending_credits"), 0)
    account |= dict.fromkeys(("frozen_debits", "frozen_credits", "closed"), False)
    for event in events:
        data, type = event["data"], event["type"]
        account["version"] = event["version"]
        if type == "AccountOpened":
            account |= {"stripes": 1, **data}
            del account["schema"]
        if type == "AccountChanged":
            account |= {name: data[name] for name in ("min_balance", "max_balance")}
        if type in ("AccountOpened", "AccountChanged") and data.get("metadata") is not None:
            text = json.dumps([data["metadata"]], sort_keys=True, separators=(",", ":"))
            account["metadata"], account["metadata_version"] = data["metadata"], event["version"]
            account["metadata_fingerprint"] = hashlib.sha256(text.encode()).hexdigest()[:16]
        if type in ("AccountFrozen", "AccountUnfrozen"):
            for side in ("debits", "credits"):
                if data[side]:
                    account[f"frozen_{side}"] = type == "AccountFrozen"
        if type == "AccountClosed":
            account["closed"] = True
        if type in ENTRIES:
            account[f"{data['direction']}s"] += data["amount"]
        if type == "EntryHeld":
            account[f"pending_{data['direction']}s"] += data["amount"]
            _add_hold(account, data)
        if type in ("HeldEntryPosted", "HeldEntryReleased"):
            account[f"pending_{data['direction']}s"] -= data["amount"] + data.get("released", 0)
            _resolve_hold(account, data)
        yield account


def _add_hold(account: dict[str, Any], data: dict[str, Any]) -> None:
    """Adds an expiring hold to the 16 that expire first, or to the count of the others."""
    if data["expires_at"] is None:
        return
    since = datetime.fromisoformat(data["expires_at"]) - datetime.fromtimestamp(0, UTC)
    expires = (since.days * 86400 + since.seconds) * 10**6 + since.microseconds
    sides = [data["amount"] if side == data["direction"] else 0 for side in _SIDES]
    listed = [*account["expiring"], [data["transaction"], *sides, expires]]
    listed.sort(key=lambda hold: hold[3])
    account["expiring"] = listed[:_LISTED]
    for hold in listed[_LISTED:]:
        micros = hold[3] % 10**6
        at = time_of(datetime.fromtimestamp(hold[3] // 10**6, UTC).replace(microsecond=micros))
        account["unlisted"] += 1
        account["unlisted_from"] = min(account["unlisted_from"] or at, at)


def _resolve_hold(account: dict[str, Any], data: dict[str, Any]) -> None:
    amount = data["amount"] + data.get("released", 0)
    sides = [amount if side == data["direction"] else 0 for side in _SIDES]
    for hold in account["expiring"]:
        if hold[:3] == [data["transaction"], *sides]:
            account["expiring"].remove(hold)
            break
    else:
        account["unlisted"] -= bool(data.get("expires") and account["unlisted"])
    if not account["pending_debits"] and not account["pending_credits"]:
        account["expiring"], account["unlisted"] = [], 0
    if not account["unlisted"]:
        account["unlisted_from"] = None
