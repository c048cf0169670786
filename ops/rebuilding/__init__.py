"""Rebuilding: the parts of `ops rebuild`, which corrects read tables from the event table."""
