"""Twofold: a serverless double-entry ledger. The folders, read in order, are the data flow."""

import gc

__version__ = "0.2.0"

# Importing makes tens of thousands of objects, all to stay: looking for garbage among them every few
# hundred is a tenth of a cold start. What requests leave is freed by counting, without the collector.
gc.set_threshold(100_000, 50, 100)
