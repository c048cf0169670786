"""Expiring: the open holds of an account that expire, as far as its state lists them.

A state rides in every event, so it lists no more of them than there is room for: the next ones to
expire. The rest is counted, with the earliest instant at which one of them may expire.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from chalicelib.domain.fields import Direction

MOST_LISTED = 16
"""Open holds that a state lists: about 1 KB (docs/decisions/0032)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ExpiringHold(Struct, frozen=True, array_like=True):
    """An open hold: what it sets aside on one side, and when, in microseconds since 1970, that is
    free again.
    """

    transaction: str
    debits: int
    credits: int
    expires: int

    @property
    def expires_at(self) -> datetime:
        """When it expires."""
        return _EPOCH + self.expires * _MICROSECOND


class Holds(NamedTuple):
    """The holds that expire: those that are listed, the next one first, and of the rest how many
    they are at most, and an instant before which none of them expires.
    """

    expiring: tuple[ExpiringHold, ...] = ()
    unlisted: int = 0
    unlisted_from: datetime | None = None

    def added(
        self, transaction: str, direction: Direction, amount: int, expires_at: datetime
    ) -> "Holds":
        """With one more. Of more than are listed, the one that expires last is only counted."""
        expires = (expires_at - _EPOCH) // _MICROSECOND
        hold = ExpiringHold(transaction, *sides(direction, amount), expires)
        expiring = tuple(sorted((*self.expiring, hold), key=lambda one: one.expires))
        if len(expiring) <= MOST_LISTED:
            return self._replace(expiring=expiring)
        last = expiring[-1].expires_at
        first = min(last, self.unlisted_from or last)
        return Holds(expiring[:-1], self.unlisted + 1, first)

    def resolved(
        self, transaction: str, direction: Direction, amount: int, *, expires: bool
    ) -> "Holds":
        """Without one. `expires` says that it is one of these; events of older builds do not."""
        for place, hold in enumerate(self.expiring):
            if (hold.transaction, hold.debits, hold.credits) == (
                transaction,
                *sides(direction, amount),
            ):
                return self._replace(expiring=self.expiring[:place] + self.expiring[place + 1 :])
        unlisted = self.unlisted - 1 if expires and self.unlisted else self.unlisted
        return Holds(self.expiring, unlisted, self.unlisted_from if unlisted else None)


def sides(direction: Direction, amount: int) -> tuple[int, int]:
    """An amount as debits and credits."""
    return (amount, 0) if direction == "debit" else (0, amount)
