"""auditing: is the ledger consistent, and are the read models the fold of the events?

One scan of the event table folds every stream (`streams`). A scratch file on disk collects the
assertions of accounts and transactions about each other (`assertions`), the expected rows of the
read tables (`expectations`), and the head of every stream. Striped accounts are compared with their
stripes (`stripes`). What differs is read again until it agrees, or is a finding after `patience`.
"""
