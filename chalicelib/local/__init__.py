"""The embedded stack behind `chalice local`: an engine, the tables, the stream's pumps.

Never imported in a Lambda, nor by `chalice package` or `chalice deploy`.
"""

import logging
import os
import sys
from urllib.parse import urlsplit

from chalicelib.settings import read_again, settings


def start() -> None:
    """Brings up the whole flow around this process, or attaches to what a reload left running.

    Uses the endpoint that the environment names, else the embedded engine. Ends the process with
    a message where that engine cannot start.
    """
    # Inside, since what these import reads the settings that this function completes.
    from chalicelib.local import connections, engine, supervision
    from chalicelib.local.checkpoints import Checkpoints

    server = supervision.follow()
    connections.serve()
    for chatty in ("botocore.credentials", "pynamodb.settings"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    checkpoints = Checkpoints(None, engine="")
    if settings().endpoint is None:
        try:
            running = engine.ensure(owner=server)
        except (engine.EngineError, OSError) as error:
            print(f"twofold: {error}", file=sys.stderr, flush=True)
            supervision.end(1)
        checkpoints = Checkpoints(running.checkpoints, running.id, readers=("accounts", "journal"))
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = running.endpoint
        read_again()
    if urlsplit(settings().endpoint).hostname in ("localhost", "127.0.0.1"):
        # An engine of this machine asks for credentials and looks at none.
        os.environ["AWS_ACCESS_KEY_ID"] = "local"
        os.environ["AWS_SECRET_ACCESS_KEY"] = "local"  # noqa: S105  # No secret to anyone.

    from chalicelib.local import stack

    stack.run(checkpoints)
    print(_WHO_MAY[settings().auth], flush=True)


_WHO_MAY = {
    "none": "Requests are not authenticated; AUTH=keys make run asks for keys.",
    "keys": "Requests need a key: .venv/bin/python -m ops --local keys create "
    "--name me --all-ledgers --scope read --scope write",
    "iam": "Requests are not authenticated: IAM is AWS's to check.",
    "cognito": "Requests need a token of the user pool, whose signature nobody checks here.",
}
