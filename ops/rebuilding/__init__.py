"""Rebuilding: the parts of `ops rebuild`, which makes read tables right from the event table."""
