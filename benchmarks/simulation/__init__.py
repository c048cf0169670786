"""Simulation: the real executor on a simulated DynamoDB, in virtual time.

Clients share no processor and no engine, so that only the protocol and its latencies count.
"""
