"""Lines: a transaction's postings in whole units, with additions that Twofold requires."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from journals.model import Extra, JournalError, JournalTransaction, Notices, Posting
from journals.names import account_id

MAX_ENTRIES, MAX_AMOUNT = 96, 10**30

_ZERO = "posting of amount 0: left out, since an entry moves something"
_NOTHING = "transaction that moves nothing: left out; note it elsewhere"
_EXCHANGE = (
    "transaction that exchanges commodities: balanced in each by entries on {}, "
    "whose balances are what was exchanged so far"
)
_ROUNDED = (
    "transaction that balances only within the tool's tolerance: the difference is on {}; "
    "to be rid of it, write the last digit in the journal"
)
_VIRTUAL = (
    "transaction with virtual postings that do not balance: the difference is on {}; "
    "to be rid of it, give them an account on the other side"
)


@dataclass(frozen=True)
class Line:
    """An amount on an account, in the commodity's smallest unit; a credit is negative."""

    account: str
    commodity: str
    units: int
    is_virtual: bool = False
    note: str = ""

    @property
    def id(self) -> str:
        """The Twofold account's id."""
        return account_id(self.account, self.commodity)


def moving_lines(
    transaction: JournalTransaction, scales: Mapping[str, int], notices: Notices
) -> list[Line]:
    """The postings that are not 0. Raises JournalError for an amount that is too large."""
    lines = []
    for posting in transaction.postings:
        if not posting.number:
            notices.add(_ZERO, f"{transaction.where}: {posting.account}")
            continue
        units = _units(posting, scales[posting.commodity])
        if abs(units) > MAX_AMOUNT:
            raise JournalError(
                f"{transaction.where}: {posting.number} {posting.commodity} is more than Twofold "
                f"takes: 10^30 of the smallest unit, here of {scales[posting.commodity]} digits"
            )
        note, is_virtual = posting.note, posting.is_virtual
        lines.append(Line(posting.account, posting.commodity, units, is_virtual, note))
    if not lines:
        notices.add(_NOTHING, transaction.where)
    return lines


def extra_lines(
    transaction: JournalTransaction, lines: list[Line], extra: Extra, notices: Notices
) -> list[Line]:
    """The lines that balance the others in each commodity."""
    total = _sums(lines)
    real = _sums(line for line in lines if not line.is_virtual)
    virtual = _sums(line for line in lines if line.is_virtual)
    # Some tools let postings in brackets balance those without.
    off = {commodity for commodity, units in total.items() if units}
    exchanged = [Line(extra.conversion, one, -real[one]) for one in sorted(off) if real[one]]
    unbalanced = [Line(extra.unbalanced, one, -virtual[one]) for one in sorted(off) if virtual[one]]
    if exchanged:
        kind = _EXCHANGE if len(exchanged) > 1 else _ROUNDED
        notices.add(kind.format(extra.conversion), transaction.where)
    if unbalanced:
        notices.add(_VIRTUAL.format(extra.unbalanced), transaction.where)
    return exchanged + unbalanced


def parts(lines: list[Line], split: str) -> list[list[Line]]:
    """Pieces of at most `MAX_ENTRIES`, in order, each balanced by an entry on `split`."""
    if len(lines) <= MAX_ENTRIES:
        return [lines]
    pieces: list[list[Line]] = []
    piece: list[Line] = []
    for line in lines:
        if len(piece) + 1 + len(_open([*piece, line])) > MAX_ENTRIES:
            pieces.append(_closed(piece, split))
            piece = []
        piece.append(line)
    return [*pieces, _closed(piece, split)]


def _closed(piece: list[Line], split: str) -> list[Line]:
    return piece + [Line(split, one, -units) for one, units in sorted(_open(piece).items())]


def _open(lines: Iterable[Line]) -> dict[str, int]:
    return {commodity: units for commodity, units in _sums(lines).items() if units}


def _sums(lines: Iterable[Line]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.commodity] += line.units
    return sums


def _units(posting: Posting, scale: int) -> int:
    """The posting's number in the smallest unit, exactly: a scale is never too small."""
    sign, digits, exponent = posting.number.as_tuple()
    whole = int("".join(map(str, digits)) + "0" * (scale + int(exponent)))
    return -whole if sign else whole
