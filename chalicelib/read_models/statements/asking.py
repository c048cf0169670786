"""Asking: every question of this room is about an account, its rows, and its stripes if any."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.domain.refusals import AccountNotFound
from chalicelib.read_models.reading import MinVersion, require_version
from chalicelib.read_models.statements.rows import AccountRows
from chalicelib.read_models.statements.striped import Stripes
from chalicelib.read_models.statements.table import StatementRow

_TICK = timedelta(microseconds=1)


class OfAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question about an account."""

    ledger: str
    account: str
    min_version: MinVersion = 0

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")

    @property
    def rows(self) -> AccountRows:
        """The rows of the account itself."""
        return AccountRows(self.ledger, self.account)

    def stripes(self, newest: StatementRow) -> Stripes:
        """The stripes of the account, whose own newest row this is."""
        return Stripes(self.ledger, self.account, int(newest.stripes), newest.version)

    def nothing_known(self) -> Exception:
        """An account without rows: not there, or not here yet. Raises ProjectionBehind."""
        require_version(0, self.min_version)
        return AccountNotFound(self.account)


def just_after(*rows: StatementRow) -> datetime:
    """Now, unless a writer's clock is ahead of ours: then just after what it recorded."""
    newest = max(row.recorded_at for row in rows)
    return max(datetime.now(UTC), datetime.fromisoformat(newest) + _TICK)


def sum_of(rows: Sequence[StatementRow | None]) -> int:
    """What an account has after these rows, one of each of its stripes."""
    return sum(row.balance for row in rows if row is not None)
