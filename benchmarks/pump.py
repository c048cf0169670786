"""Pump: one group's projector in a separate process, as in Lambda, until standard input ends.

`python -m benchmarks.pump accounts|journal`
"""

import sys

from chalicelib.local import stack
from chalicelib.local.checkpoints import Checkpoints


def main(name: str) -> None:
    """Pumps the stream into this group only."""
    for other in stack.PROJECTORS.keys() - {name}:
        del stack.PROJECTORS[other]
    stack.run(Checkpoints(None, "bench"))
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
