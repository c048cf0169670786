"""Twofold: which doors this stage opens."""

import msgspec
from chalice.app import Chalice

from chalicelib import __version__
from chalicelib.http.auth import auth
from chalicelib.http.description import description
from chalicelib.http.door import Answer, Door, Incoming, problems_for_chalice
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
    return Answer(HealthBody(status="ok", serves=settings().serves, version=__version__))


app.register_blueprint(health)
app.register_blueprint(description)
if settings().auth == "keys":
    app.register_blueprint(auth)

if WRITE in settings().serves:
    from chalicelib.commands.lambdas import write
    from chalicelib.sweep import sweeper

    app.register_blueprint(write)
    app.register_blueprint(sweeper)

if ACCOUNTS in settings().serves:
    from chalicelib.read_models import accounts
    from chalicelib.read_models.balances.lambdas import balances
    from chalicelib.read_models.statements.lambdas import statements

    app.register_blueprint(balances)
    app.register_blueprint(statements)
    if settings().projects:
        app.register_blueprint(accounts.projector)

if JOURNAL in settings().serves:
    from chalicelib.read_models import journal
    from chalicelib.read_models.integrity.lambdas import integrity
    from chalicelib.read_models.totals.lambdas import totals
    from chalicelib.read_models.transactions.lambdas import transactions

    app.register_blueprint(transactions)
    app.register_blueprint(totals)
    app.register_blueprint(integrity)
    if settings().projects:
        app.register_blueprint(journal.projector)
