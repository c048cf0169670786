"""Proof: each stream of an earlier checkpoint still begins with the same events."""

from collections.abc import Iterator, Mapping, Sequence

from ops.auditing.findings import Finding, ledger_of
from ops.auditing.heads import Proven


def differing(
    stream: str, version: int, hashes: Mapping[int, bytes], earlier: Sequence[Proven]
) -> Iterator[Finding]:
    """The findings for a stream up to this version that does not continue its earlier heads.

    `hashes` has the hashes of its events at the versions of the checkpoints.
    """
    ledger = ledger_of(stream)
    for origin, then, hash in earlier:
        if version < then:
            what = f"was at version {then} at {origin}, and ends at {version} now"
            yield Finding(ledger, stream, 0, what)
        elif hashes.get(then, hash) != hash:
            what = f"is not the event that it was at {origin}: it, or one before it, was rewritten"
            yield Finding(ledger, stream, then, what)


def gone(stream: str, earlier: Proven) -> Finding:
    """The finding for a stream of a checkpoint that has no event now."""
    what = f"was at version {earlier.version} at {earlier.origin}, and is gone"
    return Finding(ledger_of(stream), stream, 0, what)
