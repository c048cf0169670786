"""Twofold: which doors this stage opens."""

import msgspec
from chalice.app import Chalice

from chalicelib import __version__
from chalicelib.http.door import Answer, Door, problems_for_chalice
from chalicelib.http.incoming import Incoming
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE, settings

if settings().embedded:
    from chalicelib import local

    local.start()

app = Chalice(app_name="twofold")
app.register_middleware(problems_for_chalice, "http")

health = Door("chalicelib.health")


class HealthBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage says of itself."""

    status: str
    serves: tuple[str, ...]
    version: str


@health.open("/health", gives=HealthBody)
def status(_: Incoming) -> Answer:
    """Whether this stage answers, and what it serves."""
    body = HealthBody(status="ok", serves=settings().serves, version=__version__)
    return Answer(body, headers={"Cache-Control": "no-store"})


app.register_blueprint(health)

if {ACCOUNTS, JOURNAL} & set(settings().serves):
    # Not by a stage that only writes: of the pages anybody may ask, and writes need its Lambda's
    # concurrency.
    from chalicelib.http.description import description

    app.register_blueprint(description)

    from chalicelib.read_models.ledger_routes import ledgers

    app.register_blueprint(ledgers)

if WRITE in settings().serves:
    from chalicelib.commands.lambdas import write

    app.register_blueprint(write)

if ACCOUNTS in settings().serves:
    from chalicelib.read_models.balances.lambdas import balances
    from chalicelib.read_models.statements.lambdas import statements

    app.register_blueprint(balances)
    app.register_blueprint(statements)

if JOURNAL in settings().serves:
    from chalicelib.read_models.integrity.lambdas import integrity
    from chalicelib.read_models.totals.lambdas import totals
    from chalicelib.read_models.transactions.lambdas import transactions

    app.register_blueprint(transactions)
    app.register_blueprint(totals)
    app.register_blueprint(integrity)

if not settings().in_lambda:
    # What does not answer requests is a Lambda of its own, which starts in its own module. Here it
    # is named for Chalice, which deploys it or runs it on a laptop; the API starts without it.
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
