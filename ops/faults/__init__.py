"""Faults between the ledger and its engine: a proxy, and the proof that every answer was true."""
