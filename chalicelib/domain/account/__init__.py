"""The account aggregate: one asset, one balance, its limits.

Balances and limits are counted on the account's normal side: an entry on that side adds, one on
the other side subtracts. Held amounts count against the limits as if they had moved, so that
resolving a hold can never exceed one. The version counts the account's events: 1, 2, 3, gapless.
"""
