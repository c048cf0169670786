"""Commands of the account. A command that exists is well formed."""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal

from msgspec import Struct, field

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import (
    Direction,
    check_asset,
    check_direction,
    check_id,
    check_limit,
    check_metadata,
    check_new_id,
    fingerprint,
)
from chalicelib.domain.stripes import MAX_STRIPES


class Keep(Enum):
    """Says of a field that it stays as it is, since None says that there is no limit."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


class OpenAccount(Struct, frozen=True, kw_only=True):
    """Open an account for one asset. Raises InvalidField or InvalidAmount for what cannot be.

    With more than one of `stripes` its entries are spread over as many streams; no one of them
    knows the balance, so that such an account has no limits.
    """

    ledger: str
    account: str
    asset: str
    normal_balance: Direction
    min_balance: int | None = 0
    max_balance: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    stripes: int = 1

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_new_id(self.account, "id")
        check_asset(self.asset)
        check_direction(self.normal_balance, "normal_balance")
        check_metadata(self.metadata)
        _check_limits(self.min_balance, self.max_balance)
        if type(self.stripes) is not int or not 1 <= self.stripes <= MAX_STRIPES:
            raise InvalidField("stripes", f"an account has 1 to {MAX_STRIPES} stripes")
        if self.stripes > 1:
            check_unlimited(self.min_balance, self.max_balance)

    @property
    def fingerprint(self) -> str:
        """The content that a repeated request must share."""
        return fingerprint(
            self.asset,
            self.normal_balance,
            self.min_balance,
            self.max_balance,
            dict(self.metadata),
            *([self.stripes] if self.stripes > 1 else []),
        )


class ChangeAccount(Struct, frozen=True, kw_only=True):
    """Set limits or the metadata, if the account is still at `if_version`, where that is given.

    An `if_version` of 0 is no account's.

    Raises InvalidField or InvalidAmount for what cannot be.
    """

    ledger: str
    account: str
    min_balance: int | Literal[Keep.KEEP] | None = KEEP
    max_balance: int | Literal[Keep.KEEP] | None = KEEP
    metadata: Mapping[str, str] | None = None
    if_version: int | None = None

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")
        if self.metadata is not None:
            check_metadata(self.metadata)
        _check_limits(
            None if self.min_balance is KEEP else self.min_balance,
            None if self.max_balance is KEEP else self.max_balance,
        )


class _AccountCommand(Struct, frozen=True, kw_only=True):
    ledger: str
    account: str

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")
        check_id(self.account, "account")


class FreezeAccount(_AccountCommand, frozen=True, kw_only=True):
    """Refuse new entries of these directions. What is held already may still be posted."""

    debits: bool
    credits: bool


class UnfreezeAccount(_AccountCommand, frozen=True, kw_only=True):
    """Take entries of these directions again."""

    debits: bool
    credits: bool


class CloseAccount(_AccountCommand, frozen=True, kw_only=True):
    """Let an empty account change no more."""


Command = OpenAccount | ChangeAccount | FreezeAccount | UnfreezeAccount | CloseAccount


def check_unlimited(min_balance: int | None, max_balance: int | None) -> None:
    """Raises InvalidField for a limit of a striped account."""
    for limit, where in ((min_balance, "min_balance"), (max_balance, "max_balance")):
        if limit is not None:
            raise InvalidField(where, "a striped account has no limits")


def _check_limits(min_balance: int | None, max_balance: int | None) -> None:
    check_limit(min_balance, "min_balance")
    check_limit(max_balance, "max_balance")
    if min_balance is not None and max_balance is not None and min_balance > max_balance:
        raise InvalidField("min_balance", "the minimum is above the maximum")
