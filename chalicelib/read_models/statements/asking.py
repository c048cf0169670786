"""Asking: every question of this room is about an account, its rows, and its stripes if any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from chalicelib.domain.errors import AccountNotFound
from chalicelib.domain.fields import check_id
from chalicelib.events.clocks import ARRIVES_WITHIN
from chalicelib.ledger.accounts import all_of
from chalicelib.ledger.aggregates import account_stream
from chalicelib.read_models.reading import (
    Consistency,
    MinVersion,
    event_store,
    now,
    require_version,
)
from chalicelib.read_models.statements.rows import AccountRows
from chalicelib.read_models.statements.striped import Stripes
from chalicelib.read_models.statements.table import StatementRow

_TICK = timedelta(microseconds=1)


class OfAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question about an account."""

    ledger: str
    account: str
    min_version: MinVersion = 0
    consistency: Consistency = "eventual"

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")

    def asked(self) -> "Asked":
        """The question with what an answer must have seen: of a strong read, all that is recorded.

        Raises AccountNotFound, and InvalidField for a strong read where this stage has none.
        """
        least: dict[str, int] = {}
        at = now()
        if self.consistency == "strong":
            heads = all_of(event_store(), account_stream(self.ledger, self.account))
            least = {head.stream.id: head.version for head in heads}
            if not heads:
                raise AccountNotFound(self.account)
        return Asked(self.ledger, self.account, self.min_version, least, at)


@dataclass(frozen=True)
class Asked:
    """What is asked of an account, at this instant: `least` is which version of each of its streams
    an answer must have seen; empty for a read that is not strong.
    """

    ledger: str
    account: str
    min_version: int
    least: Mapping[str, int]
    at: datetime

    @property
    def rows(self) -> AccountRows:
        """The rows of the account itself."""
        return AccountRows(self.ledger, self.account)

    def stripes(self, newest: StatementRow) -> Stripes:
        """The stripes of the account, whose own newest row this is."""
        count = int(newest.stripes)
        return Stripes(self.ledger, self.account, count, newest.version, self.least)

    def require(self, seen: int) -> None:
        """Raises ProjectionBehind unless enough of an account without stripes was seen."""
        require_version(seen, max(self.min_version, self.least.get(self.account, 0)))

    def nothing_known(self) -> Exception:
        """An account without rows: not there, or not here yet. Raises ProjectionBehind."""
        self.require(0)
        return AccountNotFound(self.account)

    def is_final(self, end: datetime | None) -> bool:
        """Whether nothing that may still be recorded can belong to what ended then."""
        return bool(self.least) and end is not None and end + ARRIVES_WITHIN < self.at


def just_after(*rows: StatementRow) -> datetime:
    """Now, unless a writer's clock is ahead of ours: then just after what it recorded."""
    newest = max(row.recorded_at for row in rows)
    return max(now(), datetime.fromisoformat(newest) + _TICK)


def sum_of(rows: Sequence[StatementRow | None]) -> int:
    """What an account has after these rows, one of each of its stripes."""
    return sum(row.balance for row in rows if row is not None)
