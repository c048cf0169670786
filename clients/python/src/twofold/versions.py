"""Versions: which version of each account and transaction this client has seen, so that its reads
show at least that one.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple

from twofold.messages import Account, AccountEntry, Balance, Transaction


class Seen(NamedTuple):
    """A version of something, by its key. A `striped` account has a sequence for each stripe."""

    key: str
    version: int
    striped: bool = False


class Versions:
    """The versions that were seen, of at most `most` accounts and transactions: those seen last.

    The highest version counts. Of a striped account it is the one of the last write, since its
    stripes' versions cannot be compared. Safe to share between threads.
    """

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._seen: OrderedDict[str, Seen] = OrderedDict()

    def of(self, key: str) -> int:
        """The version of an account or a transaction; 0 for one that was not seen."""
        with self._lock:
            seen = self._seen.get(key)
        return seen.version if seen else 0

    def least(self, key: str, given: int | None) -> int | None:
        """The version that a read waits for: the given one, or else the one that was seen. None for
        0, which is whatever there is.
        """
        return (self.of(key) if given is None else given) or None

    def see(self, new: Seen, *, written: bool = False) -> None:
        """Remembers a version, which this client has `written` or only read."""
        with self._lock:
            old = self._seen.pop(new.key, new)
            striped = old.striped or new.striped
            is_newer = written if striped else new.version > old.version
            self._seen[new.key] = Seen(new.key, (new if is_newer else old).version, striped)
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)

    def see_all(self, answer: Any, *, account: str | None = None, written: bool = False) -> None:
        """Remembers every version of an answer. Entries do not name the `account` they are of."""
        if self._most:
            for seen in _versions_in(answer, account):
                self.see(seen, written=written)

    def see_reversed(self, id: str) -> None:
        """Remembers that a transaction has the event of its reversal."""
        self.see(Seen(transaction_key(id), self.of(_reversal_key(id)) or 2), written=True)


def account_key(id: str) -> str:
    """The key of an account."""
    return f"accounts/{id}"


def transaction_key(id: str) -> str:
    """The key of a transaction."""
    return f"transactions/{id}"


def _reversal_key(id: str) -> str:
    """The key of the version that a transaction has once it is reversed."""
    return f"transactions/{id}/reverse"


def _versions_in(answer: Any, account: str | None) -> Iterator[Seen]:
    match answer:
        case Account():
            yield Seen(account_key(answer.id), answer.version, answer.stripes > 1)
        case Balance():
            yield Seen(account_key(answer.account), answer.version)
        case AccountEntry() if account is not None:
            yield Seen(account_key(account), answer.version)
        case Transaction(dry_run=False):
            yield from _versions_of(answer)
        case _:
            pass  # A dry run has written nothing, and other answers have no versions.


def _versions_of(transaction: Transaction) -> Iterator[Seen]:
    yield Seen(transaction_key(transaction.id), transaction.version)
    if transaction.state == "posted" and transaction.reversed_by is None:
        # Nothing but its reversal can follow.
        yield Seen(_reversal_key(transaction.id), transaction.version + 1)
    # The entries of a voided hold are the hold's own: each has been released later by one version
    # of its account.
    voided = transaction.state == "voided"
    releases = Counter(entry.account for entry in transaction.entries) if voided else Counter()
    for entry in transaction.entries:
        is_striped = entry.balance_after is None
        version = entry.version if is_striped else entry.version + releases[entry.account]
        yield Seen(account_key(entry.account), version, is_striped)
