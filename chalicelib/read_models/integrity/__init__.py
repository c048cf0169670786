"""integrity: is this ledger whole, as of the last audit?"""
