"""The local environment: the tables, a poller per projector, and the sweep of expired holds."""

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
from chalicelib.commands.combining.table import InboxItem
from chalicelib.domain.fields import rfc3339
from chalicelib.events.dead_letters import Projected
from chalicelib.events.dynamodb import from_item
from chalicelib.events.table import EventItem
from chalicelib.http.keys import KeyItem
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.checkpoints import SavedCheckpoints
from chalicelib.local.resting import Rest
from chalicelib.read_models.read_model import groups
from chalicelib.settings import settings
from chalicelib.tables import Table
from chalicelib.transport.calls import shorten
from simulator.checkpoints import Checkpoints
from simulator.delivery import Invoke
from simulator.mapping import SourceMapping
from simulator.poller import Poller

logger = logging.getLogger(__name__)

TABLES: tuple[type[Table], ...] = (
    EventItem,
    InboxItem,
    KeyItem,
    *(table for group in groups() for table in group.tables),
)
FEEDING = SourceMapping(batch_size=1_000, report_failures=True, bisect=True)
"""As of a deployed projector, but without a limit of retries or age, and in larger batches, so that
projectors keep up with clients that write as fast as they can."""
_SWEEP_SECONDS = 2
_CATCH_UP_MARGIN = timedelta(minutes=1)


def _function(projector: Callable[[Any, Any], Any]) -> Invoke:
    return lambda event: projector(event, None)


PROJECTORS: dict[str, Invoke] = {
    group.name: _function(group.function(f"project_{group.name}")) for group in groups()
}
"""Each projector by its name, called with an event only."""


def run(saved: SavedCheckpoints | None = None) -> None:
    """Creates the missing tables and starts the pollers and the sweep in threads."""
    tables.create(TABLES)
    ensure_sealing_key()
    if saved is not None and saved.behind_since is not None:
        # The engine does not save its stream.
        _background("catch-up", partial(_catch_up, saved))
    _background("sweep", _sweep)
    for name, projector in PROJECTORS.items():
        checkpoints = saved or Checkpoints()
        poller = Poller(
            name,
            streams_client(),
            stream_arn(),
            projector,
            FEEDING,
            checkpoints,
            rest=_rest_until_written(),
        )
        _background(name, poller.run)


def _rest_until_written() -> Rest:
    """The rest of a poller, which ends when this process has written events."""
    rest = Rest()
    events: Any = tables.connection().client.meta.events
    for operation in ("PutItem", "TransactWriteItems"):
        events.register(f"after-call.dynamodb.{operation}", rest.wake)
    return rest


def catch_up(read_models: Iterable[Projected], since: str) -> int:
    """Projects the events recorded since a time (RFC 3339), or all for ""; their number.

    A margin includes events that were stored later than their recorded time.
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
    client = botocore.session.get_session().create_client(
        "dynamodbstreams",
        region_name=settings().region,
        # On AWS the streams have an endpoint of their own.
        endpoint_url=None if "amazonaws.com" in endpoint else endpoint,
        # Emulators have no host per account.
        config=Config(account_id_endpoint_mode="disabled"),
    )
    shorten(client)
    return client


def stream_arn() -> str:
    """The ARN of the event table's stream."""
    return str(EventItem.describe_table()["LatestStreamArn"])


def _catch_up(saved: SavedCheckpoints) -> None:
    while True:
        try:
            read_models = [each for group in groups() for each in group.projected]
            catch_up(read_models, saved.behind_since or "")
            saved.caught_up()
        except Exception:
            logger.exception("missed events could not be projected; trying again")
            time.sleep(5)
        else:
            return


def _sweep() -> None:
    """Runs the sweep, which EventBridge starts once a minute on AWS, every two seconds."""
    while True:
        time.sleep(_SWEEP_SECONDS)
        try:
            sweep.expire(datetime.now(UTC))
        except Exception:
            logger.exception("expired holds could not be swept; trying again")


def _background(name: str, work: Callable[[], Any]) -> None:
    threading.Thread(target=work, name=f"twofold-{name}", daemon=True).start()
