"""Verifying: are the rows of the read models the fold of the events?

One layer, of which `ops audit` and `ops rebuild` are made: it reads tables as they are stored
(`raw`, `scanning`, `events`), says which row belongs where (`rows`, `read_models`), holds a row
that was seen against it (`checking`), and each sum against the accounts that add to it (`sums`).
It reads only.
"""
