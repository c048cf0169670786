"""The constants of combining. They were chosen by simulation (`benchmarks/simulation`), in which a
decision of a single client is open for 18 ms, and a leader's transaction for about 50 ms.
"""

LOST_APPENDS = 2
"""The lost appends after which a command goes into an inbox that has no leader yet. One fewer makes
two clients slower, one more four and eight clients."""

HOT_SECONDS = 1.0
"""How long a process reads leases after a lost race. A lease costs half a read unit, and is read in
parallel with the heads."""

LED_SECONDS = 10.0
"""The same after a leader was seen: a hot account stays hot for a while."""

LEASE_SECONDS = 1.0
"""How long a lease is valid. A leader that does not renew it for so long is replaced."""

RENEW_SECONDS = 0.3
"""The interval at which a leader renews its lease, which allows two failed attempts."""

TERM_SECONDS = 0.25
"""How long a client leads after its own row is settled: its caller waits all that time."""

READ_AHEAD_SECONDS = 0.008
"""How long after a transaction was sent the rows of the next one are read: late enough to find the
rows that arrive meanwhile, early enough to have them when it is written."""

FIRST_POLL_SECONDS = 0.025
"""The wait before a client's first poll."""

POLL_SECONDS = 0.03
"""The shortest wait between two later polls."""

POLL_SHARE = 0.2
"""The wait between two polls, as a share of the time that the client has waited, if that is longer:
polls are most of what many waiting clients cost."""

POLL_SPREAD = 0.3
"""The share by which a wait is randomly longer or shorter, so that clients do not poll at once."""

LEASE_EVERY = 3
"""The polls of which one also reads the lease: all clients of an account read the same key."""

UNDER_WAY_SECONDS = 0.01
"""The wait before an item is read again that was being written."""

LEAST_PAUSE_SECONDS = 0.05
"""The shortest wait of a leader whose transaction was throttled."""

WITHDRAW_SECONDS = 1.0
"""How long a client tries to withdraw, or to learn what became of its command, once it gives up."""

STALE_SECONDS = 71.0
"""How long after its client gave up a row is deleted by a leader: the client's Lambda has ended by
then, even if the leader's clock is ahead by as much as clocks differ."""

MARGIN_SECONDS = 0.3
"""A row whose client gives up this soon is left out: its withdrawal would fail the transaction."""

KEEP_SECONDS = 24 * 3600
"""How long after it was written DynamoDB deletes an item."""

MOST_ROWS = 33
"""The most rows of a transaction, which has up to 100 items: each row with its events is at least
three."""

MOST_REFUSALS = 20
"""The most refusals of a transaction, since each takes up to 4 of its 100 items to verify."""

ROW_BYTES = 8192
"""The most bytes of a row's commands. A larger row would cost more than a lost race."""

BUCKETS = 4
"""The partition keys of an inbox. A row costs 3 write units and a key takes 1,000 a second, so one
key would take only 333 rows a second."""
