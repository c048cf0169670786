"""Twofold: a serverless double-entry ledger. The folders, read in order, are the data flow."""

import gc
import logging

__version__ = "0.3.0"

# Importing makes tens of thousands of objects, all of them to stay: looking for garbage among them
# every few hundred is a tenth of a cold start. What requests leave is mostly freed by counting.
gc.set_threshold(100_000, 50, 100)

# PynamoDB logs at import that it has no settings file, which reads like an error. This package is
# imported before it.
logging.getLogger("pynamodb.settings").setLevel(logging.WARNING)
