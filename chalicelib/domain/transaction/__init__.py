"""The transaction aggregate: two or more entries whose debits equal their credits per asset.

A transaction's stream is its idempotency guard: the first event of an id can be written once, and
so can the second, which resolves a hold or reverses. Every event carries the whole transaction, so
that the newest one is enough to decide on it and to show it.
"""
