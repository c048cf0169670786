"""A simulator of Lambda's event source mapping for DynamoDB streams, and seeded faults for tests.

It imports nothing of the ledger: see README.md.
"""
