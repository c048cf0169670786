"""The local environment behind `chalice local`: an engine, the tables, pollers and the sweep."""

import logging
import sys
from urllib.parse import urlsplit

from chalicelib.settings import settings


def start() -> None:
    """Starts the local environment in this process, or continues with it after a reload.

    Uses the endpoint of the settings, or the embedded engine. Exits with a message if that cannot
    be started.
    """
    # Not imported in a Lambda or by `chalice package`.
    from chalicelib.local import engine, http_server, reloader
    from chalicelib.local.checkpoints import SavedCheckpoints

    server = reloader.follow()
    http_server.install()
    for verbose in ("botocore.credentials", "pynamodb.settings"):
        logging.getLogger(verbose).setLevel(logging.WARNING)
    saved, endpoint = None, settings().endpoint
    if endpoint is None:
        try:
            running = engine.ensure(owner=server)
        except (engine.EngineError, OSError) as error:
            print(f"twofold: {error}", file=sys.stderr, flush=True)
            reloader.end(1)
        saved = SavedCheckpoints(engine.checkpoints(), running.id, ("accounts", "journal"))
        endpoint = running.endpoint
    if urlsplit(endpoint).hostname in ("localhost", "127.0.0.1"):
        engine.connect(endpoint)

    from chalicelib.local import environment

    environment.run(saved)
    print(_AUTHENTICATION[settings().auth], flush=True)


_AUTHENTICATION = {
    "none": "Requests are not authenticated; AUTH=keys make run asks for keys.",
    "keys": "Requests need a key: .venv/bin/python -m ops --local keys create "
    "--name me --all-ledgers --scope read --scope write",
    "iam": "Requests are not authenticated: IAM is AWS's to check.",
    "cognito": "Requests need a token of the user pool, whose signature is not verified here.",
}
