"""Account requests: the bodies of the Write API about accounts, the commands they ask for, and the
responses to them.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from chalicelib.commands import field_notes as note
from chalicelib.commands.execution import Executed
from chalicelib.commands.executor import Executor
from chalicelib.commands.request_fields import REPLAYED, Metadata, NewId
from chalicelib.commands.transaction_requests import amount_of
from chalicelib.domain.account.commands import (
    KEEP,
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    Keep,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import check_asset, parse_limit
from chalicelib.domain.stripes import MAX_STRIPES
from chalicelib.events.recorded import Recorded
from chalicelib.events.store import Busy, EventStore
from chalicelib.http.bodies import AccountBody, account_of_streams, etag
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AssetCode, NormalBalance
from chalicelib.http.problems import outcome_unknown
from chalicelib.http.response import Response
from chalicelib.ledger.accounts import metadata_of
from chalicelib.ledger.aggregates import account_state
from chalicelib.settings import settings

Limit = Annotated[Raw, note.LIMIT, Check(lambda raw, where: limit_of(raw, where))]
"""A limit as a request may write it; null where there is none."""


class OpenAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/accounts`."""

    asset: Annotated[AssetCode, Check(lambda asset, _: check_asset(asset))]
    normal_balance: NormalBalance
    id: Annotated[NewId | None, note.NEW_ACCOUNT_ID] = None
    min_balance: Annotated[Limit, note.MIN_BALANCE] | UnsetType = UNSET
    max_balance: Annotated[Limit, note.MAX_BALANCE] | UnsetType = UNSET
    metadata: Metadata = {}
    stripes: Annotated[int, Meta(ge=1, le=MAX_STRIPES), note.STRIPES] = 1

    def command(self, ledger: str, new_id: str) -> OpenAccount:
        """The command this body asks for. Raises InvalidField, InvalidAmount."""
        # What is not striped holds at least nothing, unless it is said otherwise.
        least = 0 if self.stripes == 1 else None
        return OpenAccount(
            ledger=ledger,
            account=new_id if self.id is None else self.id,
            asset=self.asset,
            normal_balance=self.normal_balance,
            min_balance=least
            if self.min_balance is UNSET
            else limit_of(self.min_balance, "min_balance"),
            max_balance=None
            if self.max_balance is UNSET
            else limit_of(self.max_balance, "max_balance"),
            metadata=self.metadata,
            stripes=self.stripes,
        )


class ChangeAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `PATCH …/accounts/{id}`. A field that is left out stays as it is."""

    min_balance: Annotated[Limit, note.NEW_MIN_BALANCE] | UnsetType = UNSET
    max_balance: Annotated[Limit, note.NEW_MAX_BALANCE] | UnsetType = UNSET
    metadata: Annotated[Metadata, note.NEW_METADATA] | UnsetType = UNSET

    def command(self, ledger: str, account: str, if_version: int | None) -> ChangeAccount:
        """The command this body asks for. Raises InvalidField, also where it asks for nothing, and
        InvalidAmount.
        """
        if self == ChangeAccountRequest():
            raise InvalidField("body", "nothing is asked for: give a limit or metadata")
        return ChangeAccount(
            ledger=ledger,
            account=account,
            min_balance=_limit_or_keep(self.min_balance, "min_balance"),
            max_balance=_limit_or_keep(self.max_balance, "max_balance"),
            metadata=None if self.metadata is UNSET else self.metadata,
            if_version=if_version,
        )


class DirectionsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/{id}/freeze` and `/unfreeze`; an empty one means both."""

    debits: Annotated[bool, note.DEBIT_SIDE] | UnsetType = UNSET
    credits: Annotated[bool, note.CREDIT_SIDE] | UnsetType = UNSET

    def freeze(self, ledger: str, account: str) -> FreezeAccount:
        """The command this body asks for. Raises InvalidField."""
        debits, credits = self._asked()
        return FreezeAccount(ledger=ledger, account=account, debits=debits, credits=credits)

    def unfreeze(self, ledger: str, account: str) -> UnfreezeAccount:
        """The command this body asks for. Raises InvalidField."""
        debits, credits = self._asked()
        return UnfreezeAccount(ledger=ledger, account=account, debits=debits, credits=credits)

    def _asked(self) -> tuple[bool, bool]:
        both = self.debits is UNSET and self.credits is UNSET
        if not both and True not in (self.debits, self.credits):
            raise InvalidField("body", "nothing is asked for: give a direction that is true")
        return both or self.debits is True, both or self.credits is True


class CloseAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/{id}/close`, which says nothing."""

    def command(self, ledger: str, account: str) -> CloseAccount:
        """The command this body asks for. Raises InvalidField."""
        return CloseAccount(ledger=ledger, account=account)


class AccountBatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST …/accounts/batch`. Its accounts are read one by one, so that what is
    wrong with one is said of that one.
    """

    accounts: Annotated[list[note.NewAccountPart], note.ACCOUNTS]


def account_response(
    executed: Executed, executor: Executor, *, created: bool = False
) -> Response[AccountBody]:
    """The account; with 201 and its address if it was created. Raises Problem where it was changed
    and cannot be read again.
    """
    try:
        body = executor.retrying(
            lambda: account_of(executed.recorded, executed.stripes, executor.store)
        )
    except Busy:
        raise outcome_unknown() from None
    headers = {"ETag": etag(body)}
    if not created:
        return Response(body, headers=headers)
    location = f"{settings().accounts_url or ''}/ledgers/{body.ledger}/accounts/{body.id}"
    headers["Location"] = location
    if executed.replayed:
        return Response(body, headers={**headers, **REPLAYED})
    return Response(body, status=201, headers=headers)


def account_of(recorded: Recorded, stripes: Sequence[Recorded], store: EventStore) -> AccountBody:
    """The account after this event of its stream, and these of its stripes, without the holds that
    had expired by then. Raises Busy.
    """
    streams = (recorded, *stripes)
    at = max(one.recorded_at for one in streams)
    return account_of_streams(
        recorded.stream.ledger,
        recorded.stream.id,
        [(account_state(one).as_of(at), one.recorded_at) for one in streams],
        metadata_of(store, recorded),
    )


def limit_of(raw: Raw, where: str) -> int | None:
    """The limit that a field says; None for none. Raises InvalidAmount."""
    limit = None if bytes(raw) == b"null" else amount_of(raw, where)
    return parse_limit(limit, where)


def _limit_or_keep(raw: Raw | UnsetType, where: str) -> int | Literal[Keep.KEEP] | None:
    return KEEP if raw is UNSET else limit_of(raw, where)
