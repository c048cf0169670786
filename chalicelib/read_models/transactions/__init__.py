"""transactions: what was this transaction, and which ones have this reference or were then?"""
