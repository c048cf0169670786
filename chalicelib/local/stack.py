"""Stack: the tables, and a pump for each projector, around the server of this process."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import botocore.session
from botocore.config import Config

from chalicelib import sweep, tables
from chalicelib.domain.fields import rfc3339
from chalicelib.events.dead_letters import Projected
from chalicelib.events.dynamodb import from_item
from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.checkpoints import Checkpoints
from chalicelib.local.mapping import SourceMapping
from chalicelib.local.stream_pump import Pump
from chalicelib.read_models.read_model import groups
from chalicelib.settings import settings
from chalicelib.tables import Table

logger = logging.getLogger(__name__)

TABLES: tuple[type[Table], ...] = (
    EventItem,
    KeyItem,
    *(table for group in groups() for table in group.tables),
)
FEEDING = SourceMapping(report_failures=True, bisect=True)
"""As a deployed projector is fed, but that nothing is ever given up on a laptop."""
_SWEEP_SECONDS = 2
_CATCH_UP_MARGIN = timedelta(minutes=1)

PROJECTORS = {group.name: group.function(f"project_{group.name}") for group in groups()}


def run(checkpoints: Checkpoints) -> None:
    """Makes the tables that are missing and starts the pumps, in threads of this process."""
    tables.create(TABLES)
    ensure_sealing_key()
    if checkpoints.behind_since is not None:
        # The engine has read its saved books, and a stream is not saved with them.
        _background("catch-up", partial(_catch_up, checkpoints))
    _background("sweep", _sweep)
    for name, projector in PROJECTORS.items():
        invoke = partial(_invoke, projector)
        pump = Pump(name, streams_client(), stream_arn(), invoke, checkpoints, FEEDING)
        _background(name, pump.run)


def catch_up(read_models: Iterable[Projected], since: str) -> int:
    """Feeds the events recorded since shortly before a time to read models; how many there were.

    The margin covers what was committed after its recording by a writer that had to wait; read
    models ignore events that they have applied. An empty time stands for the beginning.
    """
    if since:
        since = rfc3339(datetime.fromisoformat(since) - _CATCH_UP_MARGIN)
    recent = EventItem.recorded_at >= since if since else None
    items = EventItem.scan(recent, page_size=1000)
    count = 0
    while batch := [from_item(item) for item in islice(items, FEEDING.batch_size)]:
        for read_model in read_models:
            read_model.project(batch)
        count += len(batch)
    return count


def streams_client() -> Any:
    """A client of DynamoDB Streams at the endpoint of the tables."""
    endpoint = settings().endpoint or ""
    return botocore.session.get_session().create_client(
        "dynamodbstreams",
        region_name=settings().region,
        # On AWS the streams have an endpoint of their own.
        endpoint_url=None if "amazonaws.com" in endpoint else endpoint,
        # Emulators have no host per account.
        config=Config(account_id_endpoint_mode="disabled"),
    )


def stream_arn() -> str:
    """The event table's stream."""
    return str(EventItem.describe_table()["LatestStreamArn"])


def _catch_up(checkpoints: Checkpoints) -> None:
    while True:
        try:
            read_models = [each for group in groups() for each in group.projected]
            catch_up(read_models, checkpoints.behind_since or "")
            checkpoints.caught_up()
        except Exception:
            logger.exception("what was missed could not be fed; trying again")
            time.sleep(5)
        else:
            return


def _sweep() -> None:
    """What EventBridge does once a minute, more often for somebody who is looking on."""
    while True:
        time.sleep(_SWEEP_SECONDS)
        try:
            sweep.expire(datetime.now(UTC))
        except Exception:
            logger.exception("what has expired could not be swept; trying again")


def _invoke(projector: Callable[[Any, Any], Any], event: dict[str, Any]) -> Any:
    return projector(event, None)


def _background(name: str, work: Callable[[], Any]) -> None:
    threading.Thread(target=work, name=f"twofold-{name}", daemon=True).start()
