"""Verification of a chaos run: what is stored must be what the clients were answered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import click

from chalicelib.domain.account.events import EntryPosted
from chalicelib.events import dead_letters
from chalicelib.events.recorded import Recorded, Stream
from chalicelib.events.table import EventItem
from chalicelib.ledger.aggregates import account_state, account_stream
from chalicelib.read_models.read_model import groups
from ops.auditing.auditor import Auditor
from ops.auditing.examining import Examination
from ops.chaos.workload import BERKA, Client
from ops.demo import Row
from ops.independent import check
from ops.verifying.events import combined, stored
from ops.verifying.raw import all_items
from ops.verifying.read_models import stored_rows


def verify(client: Client, bank: Sequence[Row], discarded: Sequence[object]) -> list[str]:
    """Every problem of what was written and projected.

    Rows and events are compared with an independent fold, and audited: the two share no builder.
    """
    events, items, rows = list(stored()), list(all_items(EventItem)), stored_rows()
    problems = [f"discarded: {each}" for each in discarded]
    problems += [
        f"dead letter: {row.place}: {row.error}"
        for group in groups()
        for row in dead_letters.stored(group.dead_letters)
    ]
    problems += [*_unlike_the_answers(client, events), *check.wrong_events(items)]
    problems += [*check.wrong_rows(items, rows), *_unlike_the_bank(bank, events)]
    audited = Examination(Auditor(segments=4, rate=0, patience=5.0)).run()
    problems += [str(finding) for finding in audited.found]
    problems += [f"not settled: {what}" for what in audited.unsettled]
    click.echo(f"{len(events):,} events, {sum(map(len, rows.values())):,} rows compared")
    click.echo(f"{combined(events):,} requests were done in a commit together with others")
    click.echo(f"audited {audited.events:,} events: {audited.count} findings")
    return problems


def _unlike_the_answers(client: Client, events: Sequence[Recorded]) -> Iterator[str]:
    """Acknowledged events that are not stored, and stored transactions never acknowledged."""
    found = {(event.stream, event.version): event.hash for event in events}
    for answer in client.acknowledged:
        if found.get((answer.stream, answer.version)) != answer.hash:
            yield f"acknowledged, and not there: {answer.stream} {answer.version}"
    acknowledged = {answer.stream for answer in client.acknowledged}
    for event in events:
        created = event.stream.kind == "transaction" and event.version == 1
        if created and event.stream not in acknowledged:
            yield f"there, and never acknowledged: {event.stream}"


def _unlike_the_bank(bank: Sequence[Row], events: Sequence[Recorded]) -> Iterator[str]:
    """The bank's running balances that differ from those of the accounts' events."""
    shown: dict[tuple[Stream, str], int] = {
        (each.stream, each.event.transaction): account_state(each).posted
        for each in events
        if isinstance(each.event, EntryPosted)
    }
    balances: dict[str, int] = defaultdict(int)
    for row in bank:
        entry = account_stream(BERKA, row.account), row.id
        balances[row.account] = shown.get(entry, balances[row.account])
        if balances[row.account] != row.balance_after:
            yield f"the balance after {row.id} is not the bank's"
