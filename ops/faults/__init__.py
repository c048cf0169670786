"""Faults between the ledger and its engine: a proxy, and proof that every answer is true."""
