"""The local environment behind `chalice local`: an engine, the tables, pollers and the sweep."""

import logging
from urllib.parse import urlsplit

from chalicelib.settings import settings, supervised


def start() -> None:
    """Starts the local environment in this process, or continues with it after a reload.

    Uses the endpoint of the settings, or the embedded engine. Exits with a message if a setting is
    wrong or that cannot be started.
    """
    # Not imported in a Lambda or by `chalice package`.
    from chalicelib.local import reloader

    try:
        endpoint = settings().endpoint
    except ValueError as error:
        reloader.fail(str(error))
    # What these import reads the settings.
    from botocore.exceptions import BotoCoreError
    from pynamodb.exceptions import PynamoDBException

    from chalicelib.local import engine, environment, http_server, terminal
    from chalicelib.local.announced import Start, server_class
    from chalicelib.local.checkpoints import SavedCheckpoints

    # `chalice local` prints what is logged: where each client found its credentials, else.
    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)
    if supervised() and engine.PROJECT in engine.home().resolve().parents:
        # Chalice would reload the server for each file that the engine writes.
        reloader.fail(f"TWOFOLD_HOME is outside of {engine.PROJECT}, not {settings().home}")
    owner = reloader.follow()
    start = Start(owner, embedded=endpoint is None, again=engine.is_owner(owner))
    http_server.install(server_class(start))
    saved = None
    if endpoint is None:
        try:
            running = engine.ensure(owner)
        except (engine.EngineError, OSError) as error:
            reloader.fail(str(error))
        saved = SavedCheckpoints(engine.checkpoints(), running.id, ("accounts", "journal"))
        endpoint = running.endpoint
    else:
        terminal.say("engine", f"{endpoint}, which the environment names")
    if urlsplit(endpoint).hostname in ("localhost", "127.0.0.1"):
        engine.connect(endpoint)
    try:
        environment.run(saved)
    except (BotoCoreError, PynamoDBException, ValueError) as error:
        reloader.fail(f"DynamoDB at {endpoint} cannot be used: {error}")
