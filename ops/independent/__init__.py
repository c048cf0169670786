"""Independent: a second implementation of the rows of every read model, from stored events.

It imports nothing of Twofold, so that it does not share a mistake with projectors, audit and
rebuild. `ops chaos` uses it. All events are in memory.
"""
