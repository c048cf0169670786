"""Twofold: what this stage serves."""

import msgspec
from chalice.app import Chalice

from chalicelib import __version__
from chalicelib.http.door import Answer, Door, problems_for_chalice
from chalicelib.http.incoming import Incoming
from chalicelib.settings import READ_APIS, WRITE, settings

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

READS = [name for name in READ_APIS if name in settings().serves]

if WRITE in settings().serves:
    from chalicelib.commands.lambdas import write

    app.register_blueprint(write)

if READS:
    # Not by a stage that only writes: anybody may ask for the description, and writes need its
    # Lambda's concurrency.
    from chalicelib.http.description import description
    from chalicelib.read_models.read_model import group_named

    app.register_blueprint(description)
    for routes in dict.fromkeys(each for name in READS for each in group_named(name).routes):
        app.register_blueprint(routes)

if not settings().in_lambda:
    # What does not answer requests is a Lambda of its own, which starts in its own module. Here it
    # is named for Chalice, which deploys it or runs it on a laptop; the API starts without it.
    if settings().auth == "keys":
        from chalicelib.http.auth import auth

        app.register_blueprint(auth)

    if WRITE in settings().serves:
        from chalicelib.sweep import sweeper

        app.register_blueprint(sweeper)

    for name in READS if settings().projects else ():
        app.register_blueprint(group_named(name).function("projector"))
