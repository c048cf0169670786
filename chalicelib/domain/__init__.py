"""DECIDE: the rules of double-entry bookkeeping as pure functions.

Imports only itself and the standard library: no AWS, no HTTP, no clock, no environment, no chance.
"""
