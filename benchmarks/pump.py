"""Pump: one group's projector in a separate process, as in Lambda, until standard input ends.

`python -m benchmarks.pump accounts|journal`
"""

import sys

from chalicelib.local import environment


def main(name: str) -> None:
    """Pumps the stream into this group only."""
    for other in environment.PROJECTORS.keys() - {name}:
        del environment.PROJECTORS[other]
    environment.run()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
