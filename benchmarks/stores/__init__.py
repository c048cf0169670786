"""Stores: the same transfers on Twofold, on what a user could pick instead, and on bare boto3.

Every contestant is a process that obeys `worker.py`'s protocol, one per client, so that each may be
written as its own documentation says, in its own language and with its own packages.
"""
