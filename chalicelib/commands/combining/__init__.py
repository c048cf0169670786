"""Combining: commands that collide on an account are appended together, by one of their clients.

A client whose command lost its races puts it into the account's inbox, as a row. One of the clients
that wait has the account's lease, and leads: it decides the rows of the inbox one after the other,
and appends their events as one transaction. The others poll their rows until these are answered.

- `hot.py`: which accounts are hot, and when a command goes into an inbox.
- `waiting.py`: a client whose command is in an inbox. `leading.py`: a client that has the lease.
- `deciding.py`: one transaction of a leader. `answers.py`: how commands and refusals are stored.
- `inbox.py`: the interface of the inbox, its rows and leases. `dynamodb.py` implements it, on the
  items of `table.py`.
- `limits.py`: all constants.

A row is settled in the transaction that has its events, so a command is done at most once, even if
two clients lead. A lease only keeps clients from colliding: correctness does not depend on it.
"""
