"""Twofold: what this stage serves. A table of contents: each router, and each further Lambda."""

from chalice.app import Chalice

from chalicelib.http import cors, health, problem_pages
from chalicelib.http.router import Router, problems_for_chalice
from chalicelib.settings import READ_APIS, WRITE, embedded, settings

if embedded():
    from chalicelib import local

    local.start()

app = Chalice(app_name="twofold")
if settings().allowed_origins:
    app.register_middleware(cors.with_cors, "http")
app.register_middleware(problems_for_chalice, "http")

READS = [name for name in READ_APIS if name in settings().serves]

routers: list[Router] = []
"""What this stage answers, in the order of the OpenAPI document."""

if WRITE in settings().serves:
    from chalicelib.commands import routes as commands

    routers += [commands.routes]

if READS:
    from chalicelib.read_models.read_model import group_named

    routers += dict.fromkeys(each for name in READS for each in group_named(name).routes)

routers += [health.routes, problem_pages.routes]

if READS:
    # Not served where only writes are: anybody may ask for these pages, and writes need the
    # concurrency of their Lambda.
    from chalicelib.http import console_page, description

    routers += [description.routes, console_page.routes]

if embedded():
    from chalicelib.local import home

    routers += [home.routes]

for router in routers:
    app.register_blueprint(router)

cors.allow(app, routers)

if not settings().in_lambda:
    # Lambdas that answer no requests start in their own modules. They are registered here for
    # Chalice, which deploys them or runs them on a laptop; the API's Lambda does not load them.
    if settings().auth == "keys":
        from chalicelib.http.auth import auth

        app.register_blueprint(auth)

    if WRITE in settings().serves:
        from chalicelib.sweep import sweeper

        app.register_blueprint(sweeper)

    for name in READS if settings().projects else ():
        app.register_blueprint(group_named(name).function("projector"))
