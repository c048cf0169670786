"""Simulation: the real executor on a simulated DynamoDB, in virtual time.

No processor and no engine is shared by the clients, so that what is seen is the protocol alone.
"""
