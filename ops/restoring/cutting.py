"""Cutting: the copy is searched for torn commits, cut back to whole ones, and audited.

Only the copy is changed, and only by deleting the newest events of streams, from the newest version
downwards, so that no gap is made.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import click

from chalicelib.events.recorded import Recorded, UnknownEvent
from chalicelib.events.table import EventItem
from chalicelib.tables import renamed
from ops.auditing.auditor import Auditor
from ops.auditing.findings import Report
from ops.deploying.adoption import described
from ops.restoring.cloud import Cloud
from ops.restoring.record import Record
from ops.restoring.tears import Commit, Coordinates, Cut, Tail, cuts
from ops.verifying.events import event_of, grouped, recorded
from ops.verifying.raw import Item, name_of, number_of, text_of
from ops.verifying.scanning import Pages, Scanner

TORN_WITHIN = timedelta(minutes=10)
"""How long before the restored moment commits may be torn. "The skew between updates in a backup is
usually much less than a second" (Amazon DynamoDB Developer Guide); the rest allows for clocks that
differ. What is wrong with older events is damage, which the audit finds."""

EVENTS = EventItem.Meta.name
SEGMENTS = 4
SHOWN = 20


def cut(cloud: Cloud, record: Record, dynamodb: Any) -> None:
    """Cuts the copy back to whole commits. Safe to repeat.

    The cuts are recorded before the first event is deleted, since afterwards they may not be found.
    """
    if record.cuts is None:
        with renamed(EVENTS, record.copy):
            tail = read(datetime.fromisoformat(record.at).astimezone(UTC) - TORN_WITHIN)
        commits = {event.commit for event in tail.events}
        witness: dict[Commit, set[Coordinates]] = {}
        if described(dynamodb, record.table) is not None:
            with renamed(EVENTS, record.table):
                witness = witnesses(commits)
        record.cuts = [_as_json(each) for each in cuts(tail, witness)]
        record.save()
    for each in record.cuts:
        for event in each["events"]:
            key = {"stream": {"S": each["stream"]}, "version": {"N": str(event["version"])}}
            dynamodb.delete_item(TableName=record.copy, Key=key)
    for line in _lines(record.cuts):
        cloud.say(f"  {line}")
    record.saw("cut", cloud.now())


def read(since: datetime) -> Tail:
    """The recent events of the table, by parallel scans; one stream at a time is in memory."""
    tails: list[Tail] = []

    def take(_: int, pages: Pages) -> None:
        tail = Tail(since)
        for name, items in grouped(pages(None)):
            tail.take(name, _readable(items))
        tails.append(tail)

    Scanner(SEGMENTS).run("events", name_of(EventItem), take)
    whole = Tail(since)
    for tail in tails:
        whole.events += tail.events
        whole.whole_until |= tail.whole_until
    return whole


def witnesses(commits: set[Commit]) -> dict[Commit, set[Coordinates]]:
    """The coordinates of the events of these commits in the event table."""
    found: defaultdict[Commit, set[Coordinates]] = defaultdict(set)
    lock = Lock()

    def take(_: int, pages: Pages) -> None:
        for page in pages(None):
            for item in page.items:
                commit = (text_of(item, "recorded_at"), text_of(item, "command_id"))
                if commit in commits:
                    with lock:
                        found[commit].add((text_of(item, "stream"), int(item["version"]["N"])))

    Scanner(SEGMENTS).run("events", name_of(EventItem), take)
    return found


def examine(record: Record) -> None:
    """Audits the events of the copy under its own name. Raises a click error for any finding."""
    with renamed(EVENTS, record.copy):
        report = Auditor(rows=False, patience=0.0).run()
    refuse_findings(record.copy, report)
    record.events, record.streams = report.events, report.streams
    record.save()


def refuse_findings(table: str, report: Report) -> None:
    """Raises a click error with the findings, and what can be done."""
    if not report.count:
        return
    found = "".join(f"\n  WRONG {finding}" for finding in report.found[:SHOWN])
    raise click.ClickException(
        f"{table} is not whole: {report.count} findings. What is wrong was so at that moment "
        f"already: restore to an earlier one, with the same command and another --at.{found}"
    )


def _readable(items: Iterator[Item]) -> Iterator[Recorded | int]:
    """The events of a stream, and the versions of those that cannot be read."""
    for item in items:
        try:
            one = recorded(item)
            event_of(one)
        except (UnknownEvent, ValueError, LookupError):
            yield number_of(item, "version")
        else:
            yield one


def _as_json(each: Cut) -> dict[str, Any]:
    events = [
        {
            "version": event.version,
            "type": event.type,
            "transaction": event.transaction,
            "recorded_at": event.commit[0],
            "command_id": event.commit[1],
        }
        for event in each.gone
    ]
    return {"stream": each.stream, "keep": each.keep, "events": events}


def _lines(cuts: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not cuts:
        yield "no commit is torn: nothing is cut"
    for each in cuts:
        versions = sorted(event["version"] for event in each["events"])
        span = f"{versions[0]} to {versions[-1]}" if len(versions) > 1 else f"{versions[0]}"
        ids = sorted({event["transaction"] for event in each["events"] if event["transaction"]})
        of = f" of {', '.join(ids)}" if ids else ""
        yield f"{each['stream']}: version {span} is cut{of}"
