"""Twofold: a serverless double-entry ledger. The folders, read in order, are the data flow."""

__version__ = "0.2.0"
