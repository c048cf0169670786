"""Verifying: are the rows of the read models the fold of the events?

The layer below `ops audit` and `ops rebuild`. It reads stored tables (`raw`, `scanning`, `events`),
derives expected rows (`read_models`), and compares rows with them (`checking`) and sums with the
rows of their accounts (`sums`). It writes nothing.
"""
