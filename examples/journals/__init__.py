"""Journals of beancount, hledger and ledger-cli: read by those tools, loaded over HTTP, compared.

One file per step: a tool's file gives a `model.Journal`; `plan` makes accounts and transactions of
it; `loading` opens and posts them; `comparing` holds the balances against the tool's own.
"""
