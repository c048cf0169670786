"""beancount's journals, read by beancount's own library (`pip install beancount`)."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from journals.model import (
    ASSERTIONS,
    Balances,
    Extra,
    Journal,
    JournalError,
    JournalTransaction,
    Notices,
    Posting,
)

_OWN_KEYS = ("filename", "lineno")

_UNLOADED = {
    "Balance": ASSERTIONS,
    "Price": "price: not loaded; keep the journal for valuations",
    "Note": "note on an account: not loaded; an account's metadata can hold it",
    "Document": "document: not loaded; a transaction's metadata can name it",
    "Event": "event: not loaded, since it moves nothing",
    "Query": "query: not loaded, since it moves nothing",
    "Custom": "custom directive: not loaded; Twofold cannot know what it means",
    "Close": "closed account: left open, so that the journal can be loaded again; "
    "close it with POST …/accounts/{id}/close",
}

_DECLARED = (
    "declaration with metadata: not loaded; an account's can be set with PATCH …/accounts/{id}"
)
_UNUSED = "account without postings: not opened; it is, once the journal has a posting to it"


def read(path: Path) -> Journal:
    """A journal with the files it includes. Raises JournalError where beancount finds errors."""
    try:
        from beancount import loader
    except ImportError:
        raise JournalError("beancount is not installed: pip install beancount") from None
    loaded: Any = loader.load_file(str(path))
    entries, errors, options = loaded
    if errors:
        raise JournalError(_first(errors, path))
    notices = Notices()
    for entry in entries:
        kind = type(entry).__name__
        if kind in _UNLOADED:
            notices.add(_UNLOADED[kind], _where(entry))
    transactions = [entry for entry in entries if hasattr(entry, "postings")]
    used = {posting.account for one in transactions for posting in one.postings}
    for entry in entries:
        if type(entry).__name__ == "Open" and entry.account not in used:
            notices.add(_UNUSED, _where(entry))
        if type(entry).__name__ in ("Open", "Commodity") and _own(entry.meta):
            notices.add(_DECLARED, f"{_where(entry)}: {', '.join(_own(entry.meta))}")
    return Journal(
        tool="beancount",
        transactions=tuple(_transaction(one) for one in transactions),
        balances=_balances(entries),
        extra=Extra(
            conversion=f"{options['name_equity']}:{options['account_current_conversions']}",
            unbalanced=f"{options['name_equity']}:Unbalanced",
            split=f"{options['name_equity']}:Split",
        ),
        credit_roots=tuple(
            options[f"name_{kind}"].lower() for kind in ("liabilities", "equity", "income")
        ),
        notices=notices,
    )


def _first(errors: list[Any], path: Path) -> str:
    first = errors[0]
    message = " ".join(str(first.message).split())
    place = f"{first.source['filename']}:{first.source['lineno']}" if first.source else path.name
    more = f" (and {len(errors) - 1} more: bean-check {path})" if len(errors) > 1 else ""
    return f"beancount finds errors: {place}: {message}{more}"


def _where(entry: Any) -> str:
    about = getattr(entry, "account", None) or getattr(entry, "currency", None)
    about = about or getattr(entry, "name", None) or getattr(entry, "type", None) or ""
    return f"{entry.date} {type(entry).__name__.lower()} {about}".rstrip()


def _balances(entries: Any) -> Balances:
    """The balances by beancount's own report (`realization`), summed over lots."""
    from beancount.core import convert, realization

    balances: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance.reduce(convert.get_units):
            balances[account.account, position.units.currency] += Fraction(position.units.number)
    return balances


def _transaction(entry: Any) -> JournalTransaction:
    description = " | ".join(text for text in (entry.payee, entry.narration) if text)
    links = sorted(entry.links or ())
    metadata = {
        "description": description,
        "flag": entry.flag or "",
        "payee": entry.payee or "",
        "tags": " ".join(sorted(entry.tags or ())),
        "links": " ".join(links),
        **{f"meta.{key}": value for key, value in _own(entry.meta).items()},
    }
    return JournalTransaction(
        date=entry.date,
        description=description,
        reference=links[0] if links else description,
        metadata=metadata,
        postings=tuple(_posting(posting) for posting in entry.postings),
    )


def _posting(posting: Any) -> Posting:
    said = [
        *([f"cost {_cost(posting.cost)}"] if posting.cost else []),
        *([f"price {posting.price}"] if posting.price else []),
        *([f"flag {posting.flag}"] if posting.flag else []),
        *(f"{key}: {value}" for key, value in _own(posting.meta).items()),
    ]
    return Posting(
        account=posting.account,
        commodity=posting.units.currency,
        number=posting.units.number,
        note="; ".join(said),
    )


def _cost(cost: Any) -> str:
    label = f", {cost.label}" if cost.label else ""
    return f"{cost.number} {cost.currency}, {cost.date}{label}"


def _own(meta: Mapping[str, Any] | None) -> dict[str, str]:
    """The metadata of the file, without beancount's additions."""
    return {
        key: str(value)
        for key, value in (meta or {}).items()
        if key not in _OWN_KEYS and not key.startswith("__") and value is not None
    }
