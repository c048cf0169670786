"""Account requests: the bodies of the Write API about accounts, and the commands they ask for."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from chalicelib.commands.request_fields import DIGITS, Metadata, NewAccountPart, NewId
from chalicelib.domain.account.commands import (
    KEEP,
    ChangeAccount,
    CloseAccount,
    FreezeAccount,
    Keep,
    OpenAccount,
    UnfreezeAccount,
)
from chalicelib.domain.errors import InvalidAmount, InvalidField
from chalicelib.domain.fields import MAX_AMOUNT, NOT_WHOLE, check_asset, parse_limit
from chalicelib.domain.stripes import MAX_STRIPES
from chalicelib.http.faults import Check
from chalicelib.http.field_types import AssetCode, NormalBalance, described

Limit = Annotated[
    Raw,
    Meta(
        extra_json_schema={
            "oneOf": [
                {"type": "string", "pattern": f"^(0|-?{DIGITS})$"},
                {"type": "integer", "minimum": -MAX_AMOUNT, "maximum": MAX_AMOUNT},
                {"type": "null"},
            ]
        }
    ),
    Check(lambda raw, where: limit_of(raw, where)),
]
"""A limit as a request may write it; null where there is none."""

_MIN = described(
    "The least that may be available, as a string of digits or an integer. `null` = no limit, for "
    "accounts that may fall below 0, such as your bank in the books of a new ledger. "
    "Default: `0`, or `null` with `stripes`.",
    "0",
)
_MAX = described(
    "The most that the account may hold, as a string of digits or an integer. `null`, which is the "
    "default, = no limit.",
    "1000000",
)


class OpenAccountRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /ledgers/{ledger}/accounts`."""

    asset: Annotated[AssetCode, Check(lambda asset, _: check_asset(asset))]
    normal_balance: NormalBalance
    id: Annotated[
        NewId | None,
        described(
            "The id that the account shall have: the same id with the same content opens it "
            "once. Default: one that the server makes, or the `Idempotency-Key` gives.",
            "customers:alice",
        ),
    ] = None
    min_balance: Annotated[Limit, _MIN] | UnsetType = UNSET
    max_balance: Annotated[Limit, _MAX] | UnsetType = UNSET
    metadata: Metadata = {}
    stripes: Annotated[
        int,
        Meta(ge=1, le=MAX_STRIPES),
        described(
            "Over how many streams its entries are spread, so that many can write it at once. "
            "With more than 1, it can have no limits. Default: 1.",
            1,
        ),
    ] = 1

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

    min_balance: (
        Annotated[Limit, described("The new minimum; `null` = no limit. Default: as it is.", "0")]
        | UnsetType
    ) = UNSET
    max_balance: (
        Annotated[
            Limit, described("The new maximum; `null` = no limit. Default: as it is.", "1000000")
        ]
        | UnsetType
    ) = UNSET
    metadata: (
        Annotated[
            Metadata,
            described(
                "The new metadata, in the place of all that was there. Default: as it is.",
                {"name": "Bob"},
            ),
        ]
        | UnsetType
    ) = UNSET

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

    debits: (
        Annotated[
            bool,
            described("The debit side. Default: false; true if the body is empty.", True),
        ]
        | UnsetType
    ) = UNSET
    credits: (
        Annotated[
            bool,
            described("The credit side. Default: false; true if the body is empty.", True),
        ]
        | UnsetType
    ) = UNSET

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

    accounts: Annotated[
        list[NewAccountPart],
        described("The accounts to open, each on its own.", minItems=1, maxItems=100),
    ]


def limit_of(raw: Raw, where: str) -> int | None:
    """The limit that a field says; None for none. Raises InvalidAmount."""
    try:
        return parse_limit(msgspec.json.decode(raw), where)
    except msgspec.ValidationError:  # A number beyond all range.
        raise InvalidAmount(where, NOT_WHOLE) from None


def _limit_or_keep(raw: Raw | UnsetType, where: str) -> int | Literal[Keep.KEEP] | None:
    return KEEP if raw is UNSET else limit_of(raw, where)
