"""Twofold: what this stage serves. A table of contents: each router, and each further Lambda."""

from chalice.app import Chalice

from chalicelib.http import health
from chalicelib.http.router import Router, problems_for_chalice
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE, settings

if settings().embedded:
    from chalicelib import local

    local.start()

app = Chalice(app_name="twofold")
app.register_middleware(problems_for_chalice, "http")

routers: list[Router] = []
"""What this stage answers, in the order of the OpenAPI document."""

if WRITE in settings().serves:
    from chalicelib.commands import routes as commands

    routers += [commands.routes]

if {ACCOUNTS, JOURNAL} & set(settings().serves):
    from chalicelib.read_models import ledger_routes as ledgers

    routers += [ledgers.routes]

if ACCOUNTS in settings().serves:
    from chalicelib.read_models.balances import routes as balances
    from chalicelib.read_models.statements import routes as statements

    routers += [balances.routes, statements.routes]

if JOURNAL in settings().serves:
    from chalicelib.read_models.integrity import routes as integrity
    from chalicelib.read_models.totals import routes as totals
    from chalicelib.read_models.transactions import routes as transactions

    routers += [transactions.routes, totals.routes, integrity.routes]

routers += [health.routes]

if {ACCOUNTS, JOURNAL} & set(settings().serves):
    # Not served where only writes are: anybody may ask for these pages, and writes need the
    # concurrency of their Lambda.
    from chalicelib.http import description

    routers += [description.routes]

for router in routers:
    app.register_blueprint(router)

if not settings().in_lambda:
    # Lambdas that answer no requests start in their own modules. They are registered here for
    # Chalice, which deploys them or runs them on a laptop; the API's Lambda does not load them.
    if settings().auth == "keys":
        from chalicelib.http.auth import auth

        app.register_blueprint(auth)

    if WRITE in settings().serves:
        from chalicelib.sweep import sweeper

        app.register_blueprint(sweeper)

    if ACCOUNTS in settings().serves and settings().projects:
        from chalicelib.read_models import accounts

        app.register_blueprint(accounts.projector)

    if JOURNAL in settings().serves and settings().projects:
        from chalicelib.read_models import journal

        app.register_blueprint(journal.projector)
