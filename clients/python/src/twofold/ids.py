"""Ids of requests, by which a request is done once however often it is sent."""

import secrets
import time
import uuid


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): later ones sort behind earlier ones."""
    milliseconds = time.time_ns() // 1_000_000
    version, variant = 0x7, 0b10
    return str(
        uuid.UUID(
            int=milliseconds << 80
            | version << 76
            | secrets.randbits(12) << 64
            | variant << 62
            | secrets.randbits(62)
        )
    )
