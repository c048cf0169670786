"""How far has each read model of a ledger come, and what did the last audit find?

Each Read API answers for the read models of its own projection group, since it can read no other
tables. A read model says what its rows tell by their keys: nothing is scanned or written for it.
"""

from typing import Annotated, NamedTuple

import msgspec

from chalicelib.domain.fields import check_id
from chalicelib.http.field_types import LedgerId, Time, described
from chalicelib.read_models.ledgers import AccountsLedger, JournalLedger, require_ledger
from chalicelib.read_models.read_model import ReadModel, group_named
from chalicelib.settings import ACCOUNTS, READ_APIS, settings
from chalicelib.tables import in_parallel


class Progress(NamedTuple):
    """What a read model knows of its progress in a ledger; None for what it does not."""

    as_of: str | None = None
    events: int | None = None


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far have the read models of this ledger come?"""

    ledger: LedgerId

    def __post_init__(self) -> None:
        check_id(self.ledger, "ledger")


class ReadModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a read model has come."""

    name: Annotated[str, described("The name of the read model.", "totals")]
    as_of: Annotated[
        Time | None,
        described(
            "It contains an event recorded at this time, and may contain later ones. For `totals` "
            "it is the newest event in the sums, for `transactions` the newest transaction. Null "
            "where the read model keeps no such time: `balances` and `statements`, which have rows "
            "of single accounts only."
        ),
    ]
    events: Annotated[
        int | None,
        described(
            "How many events it contains; null where they are not counted. `totals` counts those "
            "of accounts.",
            12,
            minimum=0,
        ),
    ]


class LastAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The last audit of a ledger. `GET …/integrity` has all of it."""

    audited_at: Annotated[Time, described("When it was made.")]
    as_of: Annotated[
        Time | None, described("When the newest event that it read was recorded; null for none.")
    ]
    whole: Annotated[bool, described("Whether all events and rows were as they must be.", True)]
    findings: Annotated[int, described("How many were not.", 0, minimum=0)]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far the read models that this API serves have come in a ledger."""

    ledger: LedgerId
    read_models: Annotated[
        list[ReadModelStatus],
        described("The read models that this API serves: each Read API names its own."),
    ]
    last_audit: Annotated[
        LastAudit | None,
        described(
            "The last audit of the ledger. Null before the first, and from an API that does not "
            "serve `…/integrity`."
        ),
    ]


def ledger_status(query: LedgerStatus) -> Status:
    """The status of a ledger. Raises LedgerNotFound."""
    serves = settings().serves
    require_ledger(AccountsLedger if ACCOUNTS in serves else JournalLedger, query.ledger)
    served = [model for api in READ_APIS if api in serves for model in group_named(api).read_models]
    audits = in_parallel(
        lambda model: model.last_audit(query.ledger), [each for each in served if each.audit_at]
    )
    return Status(
        ledger=query.ledger,
        read_models=in_parallel(
            lambda model: _status(model, query.ledger),
            [each for each in served if each.projection_at and not each.derived],
        ),
        last_audit=next(iter(audits), None),
    )


def _status(model: ReadModel, ledger: str) -> ReadModelStatus:
    progress: Progress = model.progress(ledger) if model.progress_at else Progress()
    return ReadModelStatus(name=model.name, as_of=progress.as_of, events=progress.events)
