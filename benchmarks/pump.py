"""Pump: one stack's projector in a process of its own, as Lambda has it, until standard input ends.

`python -m benchmarks.pump accounts|journal`
"""

import sys

from chalicelib.local import environment


def main(name: str) -> None:
    """Pumps the stream into this stack only."""
    for other in environment.PROJECTORS.keys() - {name}:
        del environment.PROJECTORS[other]
    environment.run()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
