"""A chaos run: commands are executed and projected at the same time, among faults."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from chalicelib import sweep, tables
from chalicelib.local import environment
from ops.chaos.workload import Client, Writer, open_accounts, open_bank, pay
from ops.demo import Row
from ops.mappings import feeding
from simulator.chaos import Chaos
from simulator.chaos_dynamodb import inject
from simulator.chaos_streams import SplitStreams
from simulator.checkpoints import Checkpoints
from simulator.mapping import SourceMapping
from simulator.poller import Poller

WRITERS = 3
COMMANDS = 60
"""Of each writer in a round."""

_RETRY_SECONDS = (0.005, 0.1)


def run(faults: Chaos, client: Client, rounds: int, bank: Sequence[Row]) -> list[dict[str, Any]]:
    """Writes and projects concurrently; what the event source mappings discarded.

    At the end the faults are stopped and everything is projected.
    """
    inject(faults, tables.connection().client)
    arn = environment.stream_arn()
    streams = SplitStreams(faults, environment.streams_client(), arn)
    discarded: list[dict[str, Any]] = []
    begins = {
        name: partial(
            Poller,
            name,
            streams,
            arn,
            faults.function(name, projector),
            SourceMapping.of(feeding(f"project_{name}"), _RETRY_SECONDS),
            Checkpoints(),
            on_failure=discarded.append,
        )
        for name, projector in environment.PROJECTORS.items()
    }
    written = threading.Event()
    with ThreadPoolExecutor(len(begins)) as pollers:
        polling = [pollers.submit(faults.poll, *begin, written.is_set) for begin in begins.items()]
        try:
            _write(faults.seed, client, rounds, bank)
        finally:
            written.set()
        for polled in polling:
            polled.result()
    faults.stopped = True
    for begin in begins.values():
        begin().drain()
    return discarded


def _write(seed: int, client: Client, rounds: int, bank: Sequence[Row]) -> None:
    customers: dict[str, list[Row]] = defaultdict(list)
    for row in bank:
        customers[row.account].append(row)
    open_bank(client, customers)
    open_accounts(client)
    with ThreadPoolExecutor(WRITERS + 2) as clients:
        payments = [clients.submit(pay, client, rows) for rows in customers.values()]
        for number in range(1, rounds + 1):
            writers = [Writer(client, seed, f"r{number}w{each}") for each in range(WRITERS)]
            _all(clients, [partial(writer.write, COMMANDS) for writer in writers])
            client.until_answered(lambda: sweep.expire(datetime.now(UTC)))
        for payment in payments:
            payment.result()


def _all(clients: ThreadPoolExecutor, work: Sequence[Callable[[], None]]) -> None:
    for done in [clients.submit(each) for each in work]:
        done.result()
