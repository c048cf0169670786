"""auditing: is the ledger whole, and is what is read what was recorded?

One pass over the event table folds every stream anew (`streams`), and notes in a scratch file on
disk what accounts and transactions say of each other (`assertions`), which rows the read tables
must have (`expectations`), and the head of every stream (`scratch.Scratch.heads`); what a striped
account shares with its stripes is compared besides (`stripes`). What is not said on both sides, and
what is in a read table otherwise, is read again, strongly consistent, until it agrees or has had
time enough: only then is it called wrong. Reading tables, what belongs in them and the check of
the sums are `ops/verifying`.
"""
