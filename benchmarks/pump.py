"""Pump: one group's projector in a separate process, as in Lambda, until standard input ends.

`python -m benchmarks.pump accounts|journal`
"""

import sys
from threading import Thread

from chalicelib.local import environment
from simulator.mapping import SourceMapping
from simulator.poller import Poller


def main(name: str) -> None:
    """Pumps the stream into this group only, in batches of Lambda's default size."""
    mapping = SourceMapping(report_failures=True, bisect=True)
    poller = Poller(
        name,
        environment.streams_client(),
        environment.stream_arn(),
        environment.PROJECTORS[name],
        mapping,
    )
    Thread(target=poller.run, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
