"""Sweep: records the expiry of holds whose `expires_at` has passed.

It queries the journal for holds that are due, and executes ExpireHold for each. The command is
decided on the hold's own events, so a late or wrong row of the journal costs only a read.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.domain.errors import Refusal, TryAgain
from chalicelib.domain.transaction.commands import ExpireHold

logger = logging.getLogger(__name__)

ACTOR = "sweep"
MOST = 20_000
"""The most holds of a run, in the order of expiry."""
TOGETHER = 30
"""Holds of a ledger per append: 90 events if they have two entries each."""
LEDGERS = 16
"""Ledgers that are swept in parallel, in turn."""
SECONDS = 45.0
"""The time after which a run begins nothing more; the Lambda's timeout is 60 s."""
AGAIN_SECONDS = 1.0
"""The deadline of each half of an append that failed with TryAgain."""

sweeper = Blueprint(__name__)


@sweeper.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_: CloudWatchEvent) -> dict[str, Any]:
    """Expires what is due; the numbers of holds that expired and that failed."""
    return expire(datetime.now(UTC))


def expire(until: datetime, *, monotonic: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """Expires the holds that are due by then, of all ledgers in turn, for up to SECONDS."""
    # Imports in functions keep the start of the Write API's other Lambda short.
    from chalicelib.tables import in_parallel

    ends = monotonic() + SECONDS
    released: Counter[str] = Counter(expired=0, failed=0)
    ledgers: dict[str, deque[str]] = {}
    for ledger, transaction in _due(until):
        ledgers.setdefault(ledger, deque()).append(transaction)
    turns = deque(ledgers.items())
    while turns and monotonic() < ends:
        chosen = [turns.popleft() for _ in range(min(LEDGERS, len(turns)))]
        parts = [
            (ledger, [ids.popleft() for _ in range(min(TOGETHER, len(ids)))])
            for ledger, ids in chosen
        ]
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
        logger.warning("the journal's tables, which list what is due, do not exist (yet)")
        return []


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
