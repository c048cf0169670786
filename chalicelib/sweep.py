"""Sweep: releases holds whose time is up, so that the events say what everybody already counts on.

It stands between the two sides, as `app.py` does: it asks the journal which holds are due, and has
the ledger expire each. The ledger decides on its own events, so that a list which is late or wrong
costs a read and does no harm.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.domain.errors import Refusal, TryAgain
from chalicelib.domain.transaction.commands import ExpireHold

logger = logging.getLogger(__name__)

ACTOR = "sweep"
MOST = 20_000
"""Holds that a run looks at, those that expired first. More are for the next run."""
TOGETHER = 30
"""Holds of a ledger that are released by one append, if they have two entries each: 90 events."""
LEDGERS = 16
"""Ledgers that are swept at the same time. All have their turn before one has its next."""
SECONDS = 45.0
"""After which a run begins nothing more: a Lambda has 60."""
AGAIN_SECONDS = 1.0
"""For each part of what could not be released together."""

sweeper = Blueprint(__name__)


@sweeper.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_: CloudWatchEvent) -> dict[str, Any]:
    """Expires what is due; how many holds were, and how many could not be for now."""
    return expire(datetime.now(UTC))


def expire(until: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Expires the holds whose time was up by then, of each ledger in its turn, for SECONDS.

    One that is in the way of others is left for the next run, and so is what there was no time for.
    """
    # Here, since a Write API's own Lambda, which shares this code, has no use for them.
    from chalicelib.tables import in_parallel

    ends = monotonic() + SECONDS
    released: Counter[str] = Counter(expired=0, failed=0)
    turns = deque(_by_ledger(_due(until)).items())
    while turns and monotonic() < ends:
        chosen = [turns.popleft() for _ in range(min(LEDGERS, len(turns)))]
        parts = [(ledger, _next(ids)) for ledger, ids in chosen]
        for count in in_parallel(lambda part: _release(*part, lambda: monotonic() < ends), parts):
            released += count
        turns.extend((ledger, ids) for ledger, ids in chosen if ids)
    return {name: released[name] for name in ("expired", "failed")}


def _due(until: datetime) -> list[tuple[str, str]]:
    from itertools import islice

    from pynamodb.exceptions import QueryError

    from chalicelib.read_models.transactions.queries import expiring
    from chalicelib.tables import response_code

    try:
        return list(islice(expiring(until), MOST))
    except QueryError as error:
        if response_code(error) != "ResourceNotFoundException":
            raise
        logger.warning("the journal, which lists what is due, is not there (yet)")
        return []


def _by_ledger(due: Iterable[tuple[str, str]]) -> dict[str, deque[str]]:
    ledgers: dict[str, deque[str]] = {}
    for ledger, transaction in due:
        ledgers.setdefault(ledger, deque()).append(transaction)
    return ledgers


def _next(ids: deque[str]) -> list[str]:
    return [ids.popleft() for _ in range(min(TOGETHER, len(ids)))]


def _release(
    ledger: str, ids: Sequence[str], has_time: Callable[[], bool], within: float | None = None
) -> Counter[str]:
    """Expires holds of a ledger by one append; where that cannot be, each half by itself.

    How many expired, and how many failed.
    """
    from chalicelib.commands.execution import Refused
    from chalicelib.commands.executor import executor

    commands = [ExpireHold(ledger=ledger, transaction=id) for id in ids]
    try:
        done = executor().execute_together(commands, actor=ACTOR, within=within)
    except (Refused, Refusal, ValueError) as error:  # ValueError: more events than an append holds.
        refusal = error.refusal if isinstance(error, Refused) else error
        if len(ids) == 1 or not has_time():
            logger.warning("%s/%s could not be expired: %s", ledger, ids[0], refusal)
            return Counter(failed=len(ids))
        within = AGAIN_SECONDS if isinstance(refusal, TryAgain) else within
        half = len(ids) // 2
        first, second = (
            _release(ledger, part, has_time, within) for part in (ids[:half], ids[half:])
        )
        return first + second
    return Counter(expired=sum(not each.replayed for each in done))
