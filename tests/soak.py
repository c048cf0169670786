"""Soak: how long a search goes on; a short while with the other tests, long in `make soak`."""

import os

SOAKING = os.environ.get("TWOFOLD_SOAK") == "1"


def examples(short: int, long: int) -> int:
    """So many examples, repetitions or commands: the second number in `make soak`."""
    return long if SOAKING else short
