"""totals: do debits equal credits, per asset?"""
