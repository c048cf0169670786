"""Sweep: releases holds whose time is up, so that the books show what decisions already count on.

It stands between the two sides, as `app.py` does: it asks the journal which holds are due, and has
the ledger expire each. The ledger decides on its own events, so that a list which is late or wrong
costs a read and does no harm.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, Rate

from chalicelib.domain.refusals import Refusal
from chalicelib.domain.transaction import ExpireHold

logger = logging.getLogger(__name__)

ACTOR = "sweep"
MOST = 500
"""Holds per run: about half of what a Lambda manages in its minute. The rest is for the next."""

sweeper = Blueprint(__name__)


@sweeper.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_: CloudWatchEvent) -> dict[str, Any]:
    """Expires what is due; how many holds were, and how many could not be for now."""
    return expire(datetime.now(UTC))


def expire(until: datetime) -> dict[str, int]:
    """Expires the holds whose time was up by then. One that is in the way of others is left for
    the next run.
    """
    # Here, since a Write API's own Lambda, which shares this code, has no use for them.
    from itertools import islice

    from pynamodb.exceptions import QueryError

    from chalicelib.commands.execute import executor
    from chalicelib.read_models.transactions.queries import expiring
    from chalicelib.tables import response_code

    expired = failed = 0
    try:
        due = list(islice(expiring(until), MOST))
    except QueryError as error:
        if response_code(error) != "ResourceNotFoundException":
            raise
        logger.warning("the journal, which lists what is due, is not there (yet)")
        due = []
    for ledger, transaction in due:
        try:
            executed = executor().execute(
                ExpireHold(ledger=ledger, transaction=transaction), actor=ACTOR
            )
        except Refusal as refusal:
            logger.warning("%s/%s could not be expired: %s", ledger, transaction, refusal.code)
            failed += 1
        else:
            expired += not executed.replayed
    return {"expired": expired, "failed": failed}
