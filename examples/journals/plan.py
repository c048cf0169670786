"""Plans: the accounts and transactions of a journal, all computed before any is sent.

Everything about a plan follows from the journal alone, ids too, so that a second run sends what the
first did, and Twofold does it once. A transaction's id is its date, a hash of what it says, and a
number where the journal says the same more than once: lines may be added anywhere later.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from fractions import Fraction

from twofold import Entry, NewAccount, NewTransaction

from journals.lines import MAX_ENTRIES, Line, extra_lines, moving_lines, parts
from journals.model import Journal, JournalError, JournalTransaction, Notices
from journals.names import account_id, asset_code

MAX_EVENTS = 99
"""Of an atomic batch: one for each transaction and one for each entry."""

MAX_REFERENCE, MAX_METADATA_BYTES, MAX_SCALE = 256, 4096, 99

_SPLIT = (
    f"transaction of more than {MAX_ENTRIES} entries: loaded as several, one after another, which "
    "meet on {}, where nothing is left; to have it whole, sum up entries in the journal"
)
_CUT = f"metadata of more than {MAX_METADATA_BYTES:,} bytes: what does not fit is left out"


@dataclass
class Plan:
    """What is to be opened and posted, in order, and what each account must hold in the end.

    `where` says of a transaction's id where it is in the journal; balances in `expected` are by
    account id, positive where debit; `compared` of the accounts are the journal's own.
    """

    accounts: dict[str, NewAccount] = field(default_factory=dict)
    transactions: list[NewTransaction] = field(default_factory=list)
    expected: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    where: dict[str, str] = field(default_factory=dict)
    compared: int = 0

    def batches(self, *, without: Collection[str]) -> Iterator[list[NewTransaction]]:
        """The transactions, without those of these ids, as atomic batches that are as large as they
        may be: 33 of two entries.
        """
        batch: list[NewTransaction] = []
        events = 0
        for new in self.transactions:
            if new.id in without:
                continue
            if events + 1 + len(new.entries) > MAX_EVENTS:
                yield batch
                batch, events = [], 0
            batch.append(new)
            events += 1 + len(new.entries)
        if batch:
            yield batch


def plan_of(journal: Journal, asked: Mapping[str, int]) -> Plan:
    """The plan for a journal; `asked` are requested scales. Raises JournalError."""
    if not journal.transactions:
        raise JournalError(f"{journal.tool} finds no transaction in the journal")
    planner = _Planner(journal, _scales(journal, asked))
    for transaction in journal.transactions:
        planner.take(transaction)
    for (account, commodity), held in journal.balances.items():
        planner.plan.expected[account_id(account, commodity)] += held
    planner.plan.compared = sum(
        (new.metadata or {})["account"] not in journal.extra.accounts
        for new in planner.plan.accounts.values()
    )
    return planner.plan


def _scales(journal: Journal, asked: Mapping[str, int]) -> dict[str, int]:
    """The digits after the point that each commodity needs, or has by request."""
    scales = dict.fromkeys(sorted(asked), 0)
    for transaction in journal.transactions:
        for posting in transaction.postings:
            if posting.number:
                needed = max(0, -int(posting.number.as_tuple().exponent))
                scales[posting.commodity] = max(scales.get(posting.commodity, 0), needed)
    for commodity, wanted in asked.items():
        if not scales[commodity] <= wanted <= MAX_SCALE:
            raise JournalError(
                f"--scale {commodity}={wanted}: the journal's amounts need {scales[commodity]}, "
                f"and {MAX_SCALE} is the most"
            )
    for commodity, scale in scales.items():
        if scale > MAX_SCALE:
            raise JournalError(
                f"an amount of {commodity} has {scale} digits behind the point, and {MAX_SCALE} "
                "is the most; round it in the journal"
            )
    return {**scales, **asked}


class _Planner:
    def __init__(self, journal: Journal, scales: Mapping[str, int]) -> None:
        self.plan = Plan()
        self._journal, self._scales = journal, scales
        self._seen: Counter[str] = Counter()

    def take(self, transaction: JournalTransaction) -> None:
        """Adds a transaction of the journal, with its accounts."""
        notices, extra = self._journal.notices, self._journal.extra
        lines = moving_lines(transaction, self._scales, notices)
        added = extra_lines(transaction, lines, extra, notices)
        for line in added:
            self.plan.expected[line.id] += Fraction(line.units, 10 ** self._scales[line.commodity])
        lines += added
        if not lines:
            return
        pieces = parts(lines, extra.split)
        if len(pieces) > 1:
            notices.add(_SPLIT.format(extra.split), transaction.where)
        metadata = _fitted(transaction, lines, notices)
        mark = self._mark(transaction, lines, metadata)
        for number, piece in enumerate(pieces, 1):
            part = f"{number} of {len(pieces)}" if len(pieces) > 1 else ""
            self._add(transaction, piece, metadata, f"{mark}.{number}" if part else mark, part)

    def _add(
        self,
        transaction: JournalTransaction,
        lines: list[Line],
        metadata: Mapping[str, str],
        id: str,
        part: str,
    ) -> None:
        self.plan.where[id] = transaction.where
        self.plan.transactions.append(
            NewTransaction(
                id=id,
                entries=[self._entry(line) for line in lines],
                reference=transaction.reference.strip()[:MAX_REFERENCE] or None,
                effective_at=datetime.combine(transaction.date, time(), tzinfo=UTC),
                metadata={**metadata, "part": part} if part else metadata,
            )
        )

    def _entry(self, line: Line) -> Entry:
        asset = f"{asset_code(line.commodity)}/{self._scales[line.commodity]}"
        root = line.account.lower()
        new = NewAccount(
            id=line.id,
            asset=asset,
            normal_balance="credit" if root.startswith(self._journal.credit_roots) else "debit",
            min_balance=None,
            metadata={"account": line.account, "commodity": line.commodity},
        )
        if self.plan.accounts.setdefault(line.id, new) != new:
            raise JournalError(f"two accounts of the journal have the id {line.id}; rename one")
        return Entry(line.id, "debit" if line.units > 0 else "credit", abs(line.units), asset)

    def _mark(
        self, transaction: JournalTransaction, lines: list[Line], metadata: Mapping[str, str]
    ) -> str:
        """The id of a transaction, or the prefix of the ids of its parts."""
        content = [
            [[line.id, str(line.units)] for line in lines],
            transaction.reference,
            dict(metadata),
        ]
        digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]
        mark = f"{transaction.date}:{digest}"
        self._seen[mark] += 1
        return f"{mark}:{self._seen[mark]}" if self._seen[mark] > 1 else mark


def _fitted(transaction: JournalTransaction, lines: list[Line], notices: Notices) -> dict[str, str]:
    """The first metadata, up to the limit of a transaction."""
    said = {
        key: value for key, value in transaction.metadata.items() if value or key.startswith("tag.")
    }
    said |= {f"entry.{place}": line.note for place, line in enumerate(lines, 1) if line.note}
    kept = dict(said)
    room = MAX_METADATA_BYTES - len('"part":"99 of 99",')
    if _size(kept) > room:
        kept = {}
        for key, value in said.items():
            if _size({**kept, key: value}) <= room:
                kept[key] = value
        notices.add(_CUT, f"{transaction.where}: {', '.join(said.keys() - kept.keys())}")
    return kept


def _size(metadata: Mapping[str, str]) -> int:
    """The bytes of metadata, as Twofold counts them."""
    text = json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="replace"))
