"""statements: what happened on this account, and what was its balance at a time?"""
