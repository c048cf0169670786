"""Independent: the rows of every read model folded once more, in plain lines, from stored events.

It knows the format of what is stored and nothing else: it imports nothing of Twofold, so that no
mistake in what projectors, audit and rebuild are made of is repeated here. `ops chaos` ends with
it. All events are held in memory.
"""
