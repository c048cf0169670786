"""Decide: from a command and an account to the events that follow."""

from datetime import datetime
from typing import assert_never

from chalicelib.domain.account.commands import (
    KEEP,
    ChangeAccount,
    CloseAccount,
    Command,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
    check_unlimited,
)
from chalicelib.domain.account.events import (
    AccountChanged,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    Event,
)
from chalicelib.domain.account.state import (
    Account,
    metadata_mark,
    require_open,
    require_within_limits,
)
from chalicelib.domain.errors import (
    AccountExists,
    AccountNotEmpty,
    AccountNotFound,
    VersionConflict,
)
from chalicelib.domain.stripes import public_version


def decide(command: Command, account: Account | None, now: datetime) -> list[Event]:
    """The events this command causes; none when it has already been done.

    Raises AccountExists, AccountNotFound, AccountIsClosed, AccountNotEmpty, BalanceLimitExceeded,
    VersionConflict.
    """
    if isinstance(command, OpenAccount):
        return _open(command, account, now)
    if account is None:
        raise AccountNotFound(command.account)
    match command:
        case ChangeAccount():
            return _change(command, account)
        case FreezeAccount():
            require_open(command.account, account)
            fresh = AccountFrozen(
                debits=command.debits and not account.frozen_debits,
                credits=command.credits and not account.frozen_credits,
            )
            return [fresh] if fresh.debits or fresh.credits else []
        case UnfreezeAccount():
            require_open(command.account, account)
            freed = AccountUnfrozen(
                debits=command.debits and account.frozen_debits,
                credits=command.credits and account.frozen_credits,
            )
            return [freed] if freed.debits or freed.credits else []
        case CloseAccount():
            return _close(command, account)
        case _:
            assert_never(command)


def _open(command: OpenAccount, account: Account | None, now: datetime) -> list[Event]:
    if account is not None:
        if account.fingerprint != command.fingerprint:
            raise AccountExists(command.account)
        return []
    require_within_limits(command.account, 0, 0, command.min_balance, command.max_balance)
    return [
        AccountOpened(
            asset=command.asset,
            normal_balance=command.normal_balance,
            min_balance=command.min_balance,
            max_balance=command.max_balance,
            metadata=dict(command.metadata),
            fingerprint=command.fingerprint,
            opened_at=now,
            stripes=command.stripes,
        )
    ]


def _change(command: ChangeAccount, account: Account) -> list[Event]:
    version = public_version(account.version, account.stripes)
    if command.if_version not in (None, version):
        raise VersionConflict(command.account, version, int(command.if_version or 0))
    require_open(command.account, account)
    metadata = command.metadata
    if metadata is not None and metadata_mark(metadata) == account.metadata_fingerprint:
        metadata = None
    low = account.min_balance if command.min_balance is KEEP else command.min_balance
    high = account.max_balance if command.max_balance is KEEP else command.max_balance
    if metadata is None and (low, high) == (account.min_balance, account.max_balance):
        return []
    if account.stripes > 1:
        check_unlimited(low, high)
    most = account.posted + account.pending_in
    require_within_limits(command.account, account.available, most, low, high)
    return [AccountChanged(min_balance=low, max_balance=high, metadata=metadata)]


def _close(command: CloseAccount, account: Account) -> list[Event]:
    if account.closed:
        return []
    if account.posted or account.pending_debits or account.pending_credits:
        raise AccountNotEmpty(
            command.account, account.posted, account.pending_debits, account.pending_credits
        )
    return [AccountClosed()]
