"""balances: what is this account worth now, and which accounts are there?"""
