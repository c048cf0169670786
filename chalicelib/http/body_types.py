"""Body types: accounts and transactions as both the Write API and the Read APIs show them.

Amounts are strings of digits, times are RFC 3339 in UTC with microseconds. Fields are added, never
changed. `bodies.py` makes them.
"""

from typing import Annotated

import msgspec

from chalicelib.http.field_types import (
    AccountId,
    AccountVersion,
    AssetCode,
    EffectiveAt,
    LedgerId,
    NormalBalance,
    ReferenceText,
    Side,
    TextMap,
    Time,
    TransactionId,
    TransactionVersion,
    Units,
    described,
)


class Frozen(msgspec.Struct, frozen=True):
    """Which entries a frozen account refuses."""

    debits: Annotated[bool, described("Whether entries on the debit side are refused.", False)]
    credits: Annotated[bool, described("Whether entries on the credit side are refused.", False)]


class AccountBody(msgspec.Struct, frozen=True, kw_only=True):
    """An account, with balances on its normal side.

    Only a striped account has `stripes` and `own_version`: `version` is then that of the newest
    event of any of its streams, and `own_version`, which is its `ETag`, that of its own stream.
    """

    id: AccountId
    ledger: LedgerId
    asset: AssetCode
    normal_balance: NormalBalance
    min_balance: Annotated[
        Units | None,
        described("The least that may be available; null = no limit, it may fall below 0.", "0"),
    ]
    max_balance: Annotated[
        Units | None,
        described("The most that the account may hold; null = no limit.", "1000000"),
    ]
    posted: Annotated[
        Units,
        described("The balance without pending holds: what came in less what went out.", "1000"),
    ]
    pending_debits: Annotated[
        Units, described("The sum of the pending entries on the debit side.", "0")
    ]
    pending_credits: Annotated[
        Units, described("The sum of the pending entries on the credit side.", "0")
    ]
    available: Annotated[
        Units,
        described("The posted balance less what pending holds would take out of it.", "1000"),
    ]
    frozen: Annotated[
        Frozen,
        described("The sides on which it is frozen.", {"debits": False, "credits": False}),
    ]
    state: Annotated[
        str,
        described("A closed account takes no more entries.", "open", enum=["open", "closed"]),
    ]
    metadata: TextMap
    version: Annotated[
        AccountVersion,
        described(
            "It grows with every change of the account. Send it as `min_version` to read at least "
            "this state."
        ),
    ]
    opened_at: Annotated[Time, described("When the account was opened.")]
    recorded_at: Annotated[Time, described("When the account last changed.")]
    stripes: (
        Annotated[
            int,
            described(
                "The streams over which its entries are spread; absent where it is one.",
                16,
                minimum=2,
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    own_version: (
        Annotated[
            int,
            described(
                "On a striped account only: the version in its `ETag`, for `If-Match`.",
                1,
                minimum=1,
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class TransactionEntryBody(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a transaction, with its account's balance after it.

    `balance_after` is null on a striped account: a stripe has only a part of the balance.
    """

    account: AccountId
    direction: Side
    amount: Units
    asset: AssetCode
    version: AccountVersion
    balance_after: Annotated[
        Units | None,
        described("The account's posted balance after this entry; null if it is striped.", "1000"),
    ]


class TransactionBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A transaction.

    `recorded_at` is when it was created. Only a hold has `expires_at`, null if it never expires.
    The fields after it are left out while they have their defaults.
    """

    id: TransactionId
    ledger: LedgerId
    state: Annotated[
        str,
        described(
            "`posted` moved the amounts. `pending` is a hold: it reserves them until it is "
            "`posted`, `voided` or `expired`.",
            "posted",
            enum=["pending", "posted", "voided", "expired"],
        ),
    ]
    reference: Annotated[ReferenceText | None, described("Your text for finding it; null = none.")]
    effective_at: EffectiveAt
    recorded_at: Annotated[Time, described("When the ledger recorded it first.")]
    metadata: TextMap
    version: TransactionVersion
    entries: Annotated[
        tuple[TransactionEntryBody, ...],
        described("Its entries, in the order of the request: debits equal credits per asset."),
    ]
    expires_at: (
        Annotated[Time, described("Holds only: when it expires unless resolved; null = never.")]
        | msgspec.UnsetType
        | None
    ) = msgspec.UNSET
    resolved_at: Annotated[
        Time | None,
        described("When the hold was posted, voided or expired; absent before."),
    ] = None
    void_reason: Annotated[
        str | None,
        described("The reason given with `/void`; absent without one.", "out of stock"),
    ] = None
    reverses: Annotated[
        TransactionId | None,
        described("The transaction that this one reverses; absent otherwise.", "order-77"),
    ] = None
    reversed_by: Annotated[
        TransactionId | None,
        described("The transaction that reversed this one; absent before.", "refund-1"),
    ] = None
    dry_run: Annotated[
        bool,
        described("True where nothing was written (`dry_run=true`); absent otherwise.", True),
    ] = False
