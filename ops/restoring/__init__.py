"""Restoring: the steps by which the event table goes back to a point in time."""
