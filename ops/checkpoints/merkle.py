"""Merkle tree hash over a list of any length, as of RFC 9162, 2.1.1 (and RFC 6962, 2.1)."""

import hashlib

_LEAF, _NODE = b"\x00", b"\x01"
"""Prefixes that distinguish inner nodes from leaves."""


class MerkleTree:
    """The root over all added leaves, in order. Holds one hash per level."""

    def __init__(self) -> None:
        self._count = 0
        self._complete: list[bytes] = []  # The roots of complete subtrees, the largest first.

    def add(self, leaf: bytes) -> None:
        """Adds the next leaf."""
        self._complete.append(_sha256(_LEAF + leaf))
        self._count += 1
        ones = self._count
        while ones % 2 == 0:  # A subtree is complete where two of its size are side by side.
            right, left = self._complete.pop(), self._complete.pop()
            self._complete.append(_sha256(_NODE + left + right))
            ones //= 2

    def root(self) -> str:
        """The tree's hash, in hex. That of no leaves is the hash of nothing."""
        if not self._complete:
            return _sha256(b"").hex()
        right = self._complete[-1]
        for left in self._complete[-2::-1]:
            right = _sha256(_NODE + left + right)
        return right.hex()


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
