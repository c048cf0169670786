"""Combining: commands that collide on an account are appended together, by one of their clients.

A command that lost its races puts itself into the inbox of the account. One of the waiting clients
has the account's lease: it leads, which means that it decides the commands of the inbox, one after
the other, and appends them as one transaction. The others wait and find their answers.

- `hot.py`: which accounts are hot, and when a command goes into an inbox.
- `waiting.py`: a client whose command is in an inbox. `leading.py`: a client that has the lease.
- `deciding.py`: one transaction of a leader. `answers.py`: what it tells the others.
- `inbox.py`: the protocol of the inbox, its rows and leases. `dynamodb.py` implements it.
- `limits.py`: all constants.

A row is settled in the transaction that has its events, so a command is done at most once, whoever
leads. A lease only keeps clients from writing at the same time: nothing depends on it.
"""
