"""checkpoints: the heads of all streams of a ledger at an audit without findings.

A checkpoint has the heads, and the Merkle root over them (`merkle`, `checkpoint`). It is stored in
the table `integrity` (`kept`), in a bucket whose objects cannot be deleted (`vault`), and in files.
A later audit proves that the streams continue the heads of the last one (`proof`).
"""
