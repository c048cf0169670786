"""The constants of combining, in one place. The simulation (`benchmarks/simulation`) compares them.

A decision is open for 18 ms when one client writes, and a leader's transaction for about 50 ms.
"""

LOST_APPENDS = 2
"""After so many lost appends a command goes into an inbox that has no leader yet. One less takes
two clients longer; one more takes four and eight clients longer."""

HOT_SECONDS = 1.0
"""How long a process reads leases after it lost a race. Half a read unit each, at no extra time."""

LED_SECONDS = 10.0
"""Likewise after it has seen that an account has a leader."""

LEASE_SECONDS = 1.0
"""How long a lease is valid: a leader that is not heard of for so long is replaced."""

RENEW_SECONDS = 0.3
"""How often a leader renews its lease: it may miss two."""

TERM_SECONDS = 0.25
"""How long a client leads: it is kept waiting with its own answer."""

READ_AHEAD_SECONDS = 0.008
"""How long after a transaction was sent the rows of the next one are read."""

FIRST_POLL_SECONDS = 0.025
POLL_SECONDS = 0.03
POLL_SHARE = 0.2
"""A waiting client looks after the first, then each time after the second, or after this share of
the time that it has waited: polls are most of what many waiting clients cost."""

POLL_SPREAD = 0.3
"""By which part of it a wait is longer or shorter, so that clients do not look at once."""

LEASE_EVERY = 3
"""Every so many polls read the lease too, whose one key all clients of an account read."""

UNDER_WAY_SECONDS = 0.01
"""The wait before something is read again that was being written."""

LEAST_PAUSE_SECONDS = 0.05
"""The shortest wait of a leader whose transaction was throttled."""

WITHDRAW_SECONDS = 1.0
"""How long a client tries to withdraw, or to learn what became of its command, once it gives up."""

STALE_SECONDS = 71.0
"""How long after its client has given up a row is deleted by a leader: the client is gone, since a
Lambda's time is over, also where the leader's clock is ahead by as much as clocks differ."""

MARGIN_SECONDS = 0.3
"""A row whose client gives up this soon is left out: it would make the transaction fail."""

KEEP_SECONDS = 24 * 3600
"""After which DynamoDB deletes a row that nobody did."""

MOST_ROWS = 33
"""The most rows of a transaction: none has less than two events and the row."""

MOST_REFUSALS = 20
"""Of a transaction, since each takes up to 4 of its 100 items to verify."""

ROW_BYTES = 8192
"""A command that takes more does not use an inbox: its row would cost more than a lost race."""

BUCKETS = 4
"""Partition keys of an inbox. A row costs 3 write units, and a key has 1,000 a second, so that one
would end at 333 rows a second."""
