"""Telling: how a restore left things, for the person who reads of its failure or its end."""

from collections.abc import Iterator

from ops.restoring.record import Record


def state_of(record: Record) -> str:
    """What is so after a step failed, and how to go on."""
    again = "the same command goes on from here"
    if not record.functions:
        return f"nothing was changed; {again}"
    if record.is_done("open"):
        return f"the restore is done and the writers are open; {again}"
    held = f"the writers are stopped, and stay so; {again}"
    if not record.is_done("backup"):
        return f"{record.table} is as it was; {held}, --abandon opens it as it was"
    kept = ", ".join([record.copy, *record.backups.values()])
    where = "is restored" if record.is_done("swap") else "is being replaced"
    return f"{record.table} {where}; {held}. There are {kept}"


def report_of(record: Record, *, keep_copy: bool) -> Iterator[str]:
    """What was done, line by line."""
    yield f"{record.environment} is restored to {record.at}: {record.events} events"
    cuts = record.cuts or []
    yield f"cut: {sum(len(each['events']) for each in cuts)} events of {len(cuts)} streams"
    for what, arn in sorted(record.backups.items()):
        yield f"kept, until you delete it: the backup of the {what} table, {arn}"
    if keep_copy:
        yield f"kept: {record.copy}"
    yield f"{record.table} can be restored to moments from now on only, and by these backups"
    yield f"all of this is in {record.report}"
