"""checkpoints: what a ledger was when an audit found nothing wrong with it.

A checkpoint is the list of the heads of all streams of a ledger, and the Merkle root over them
(`merkle`, `checkpoint`). It is kept in the ledger's `integrity` table (`kept`), in a bucket whose
objects cannot be deleted (`vault`), and in files. A later audit proves that the heads of the last
one are prefixes of today's streams (`proof`).
"""
