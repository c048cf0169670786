"""auditing: is the ledger whole, and do the read models show what was recorded?

One scan of the event table folds every stream (`streams`). A scratch file on disk collects the
assertions of accounts and transactions about each other (`assertions`), the rows that the read
tables must have (`expectations`), and the head of every stream. Striped accounts are compared with
their stripes (`stripes`). What differs is read again, strongly consistent, until it agrees or the
patience ends: only then is it a finding. Reading tables and the check of sums are `ops/verifying`.
"""
