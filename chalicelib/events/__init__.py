"""RECORD and STREAM: the event table is the truth; everything else is derived from it."""
