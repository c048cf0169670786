"""Sums: the totals of each asset, corrected while projectors add to them.

What a sum is off by stays the same whatever is projected, since an account's row and its sum move
together in one transaction. It is measured at a moment in which nobody adds to that sum: the sum is
read before and after the rows of its accounts. Then it is taken off, and what was added since
stays. Rows are read in transactions, which the halves of a projector's cannot slip through.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.account import AccountOpened
from chalicelib.events.dynamodb import from_item
from chalicelib.events.recorded import Stream
from chalicelib.events.table import EventItem
from chalicelib.read_models.totals.table import ACCOUNT, TotalRow, shard_key, shard_of
from chalicelib.tables import CONDITION_FAILED, together
from ops.rebuilding.raw import MOST, Item, client, name_of, number_of, read
from ops.rebuilding.repair import ATTEMPTS, Unsettled, swapped

Sum = tuple[str, str]
"""The keys of a sum: a shard of a ledger, and an asset."""

NUMBERS = ("version", "debits", "credits")
_NOT_NOW = {CONDITION_FAILED, "TransactionCanceledException", "TransactionConflictException"}


@dataclass(frozen=True)
class Off:
    """What a sum is more than its accounts together, and how far those have come."""

    numbers: Mapping[str, int]
    seen_as_of: str | None
    as_of: str | None

    @property
    def nothing(self) -> bool:
        """Whether the sum is right."""
        return not any(self.numbers.values()) and self.seen_as_of == self.as_of


def set_sums_right() -> int:
    """How many sums had to be put right. Raises Unsettled where one is never left alone."""
    right = 0
    while wrong := wrong_sums():
        right += sum(_take_off(which, off) for which, off in wrong.items())
    return right


def wrong_sums() -> dict[Sum, Off]:
    """The sums that are not those of their accounts. Raises Unsettled likewise."""
    found: dict[Sum, Off] = {}
    members = _members()
    left = set(members)
    while left:
        order = sorted(left)
        offs = together(partial(_measure, members), order)
        # Who was opened before the measuring and not listed would count as wrong: list again.
        known, members = members, _members()
        for which, off in zip(order, offs, strict=True):
            if members.setdefault(which, frozenset()) == known[which]:
                left.remove(which)
                if not off.nothing:
                    found[which] = off
    return found


def _members() -> dict[Sum, frozenset[str]]:
    """Every sum that there is or should be, with the keys of its accounts' rows."""
    found: dict[Sum, set[str]] = {}
    accounts: list[Stream] = []
    for item in _all_keys():
        key, of = item["key"]["S"], item["of"]["S"]
        if of == ACCOUNT:
            ledger, _, id = key.partition("/")
            accounts.append(Stream(ledger, "account", id))
        else:
            found.setdefault((key, of), set())
    for account, asset in _assets(accounts):
        of_sum = shard_key(account.ledger, shard_of(account.id)), asset
        found.setdefault(of_sum, set()).add(f"{account.ledger}/{account.id}")
    return {each: frozenset(keys) for each, keys in found.items()}


def _all_keys() -> Iterator[Item]:
    start: dict[str, Any] = {}
    while True:
        found = client().scan(
            TableName=name_of(TotalRow),
            ProjectionExpression="#key, #of",
            ExpressionAttributeNames={"#key": "key", "#of": "of"},
            ConsistentRead=True,
            **start,
        )
        yield from found["Items"]
        if "LastEvaluatedKey" not in found:
            return
        start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}


def _assets(accounts: list[Stream]) -> Iterator[tuple[Stream, str]]:
    """Each account with its asset, as its first event says."""
    for item in EventItem.batch_get([(str(account), 1) for account in accounts]):
        opened = from_item(item)
        assert isinstance(opened.event, AccountOpened)
        yield opened.stream, opened.event.asset


def _measure(members: Mapping[Sum, frozenset[str]], which: Sum) -> Off:
    rows = [{"key": {"S": account}, "of": {"S": ACCOUNT}} for account in members[which]]
    for attempt in range(ATTEMPTS):
        before = _read(which)
        if not _is_sum(before):
            swapped(TotalRow, before, None)  # Without it the sum is nothing yet.
            continue
        added = _in_transactions(rows)
        if added is not None and _in_transactions([_key(which)]) == [before]:
            seen = _numbers(before)
            for row in added:
                seen.subtract(_numbers(row))
            come = [row["as_of"]["S"] for row in added if row]
            return Off(dict(seen), before.get("as_of", {}).get("S"), max(come, default=None))
        time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 7)))
    raise Unsettled(f"{which[1]} in {which[0]} is never left alone: repeat this when less is done")


def _take_off(which: Sum, off: Off) -> bool:
    """Whether it could be taken off. botocore names the transaction: repeated, it is done once."""
    if off.as_of is None:
        seen = _read(which)
        return dict(_numbers(seen)) == off.numbers and swapped(TotalRow, seen, None)
    update: dict[str, Any] = {
        "TableName": name_of(TotalRow),
        "Key": _key(which),
        "UpdateExpression": "ADD #v :v, debits :d, credits :c",
        "ExpressionAttributeNames": {"#v": "version"},
        "ExpressionAttributeValues": {
            f":{name[0]}": {"N": str(-number)} for name, number in off.numbers.items()
        },
    }
    if off.seen_as_of != off.as_of:
        update["UpdateExpression"] += " SET as_of = :a"
        update["ExpressionAttributeValues"][":a"] = {"S": off.as_of}
        update["ConditionExpression"] = "attribute_not_exists(as_of)"
        if off.seen_as_of is not None:
            update["ConditionExpression"] = "as_of = :s"
            update["ExpressionAttributeValues"][":s"] = {"S": off.seen_as_of}
    try:
        client().transact_write_items(TransactItems=[{"Update": update}])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_NOW:
            raise
        return False
    return True


def _read(which: Sum) -> Item:
    return read(TotalRow, _key(which)) or {}


def _in_transactions(keys: Sequence[Item]) -> list[Item] | None:
    """The rows of these keys, each with no transaction half done on it; None if one had to wait."""
    found: list[Item] = []
    for start in range(0, len(keys), MOST):
        gets = [
            {"Get": {"TableName": name_of(TotalRow), "Key": key}}
            for key in keys[start : start + MOST]
        ]
        try:
            answer = client().transact_get_items(TransactItems=gets)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_NOW:
                raise
            return None
        found += [each.get("Item", {}) for each in answer["Responses"]]
    return found


def _is_sum(item: Item) -> bool:
    return not item or all("N" in item.get(name, {}) for name in NUMBERS)


def _numbers(item: Item) -> Counter[str]:
    """A row's numbers; those of a row that is not there are zero."""
    return Counter({name: number_of(item, name) for name in NUMBERS})


def _key(which: Sum) -> Item:
    return {"key": {"S": which[0]}, "of": {"S": which[1]}}
