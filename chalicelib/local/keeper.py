"""Keeper: the engine's own process. Runs ministack until the last server that uses it is gone."""

import decimal
import os
import signal
import sys
import threading
import time
from pathlib import Path

from chalicelib.local.engine import has_owner, locked

CHECK_SECONDS = 0.25


def _stop_without_owner(folder: Path) -> None:
    while True:
        time.sleep(CHECK_SECONDS)
        if has_owner(folder):
            continue
        # Held until this process ends, so that a new engine starts on books that are saved.
        guard = locked(folder)
        guard.__enter__()
        if has_owner(folder):
            guard.__exit__(None, None, None)
            continue
        (folder / "engine.json").unlink(missing_ok=True)
        for owner in (folder / "owners").iterdir():
            owner.unlink()
        os.kill(os.getpid(), signal.SIGTERM)
        return


def main(folder: Path, port: int) -> None:
    """Serves DynamoDB and its streams on a port of this machine; saves the books when it stops."""
    os.environ.update(
        SERVICES="dynamodb,dynamodbstreams",
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        PERSIST_STATE="1",
        STATE_DIR=str(folder / "books"),
        TMPDIR=str(folder),  # For the file it writes its process id to.
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    # DynamoDB counts with 38 digits; ministack with as many as Python does unless told, 28.
    decimal.DefaultContext.prec = 38
    decimal.setcontext(decimal.DefaultContext)
    sys.argv = ["ministack"]
    from ministack.app import main as serve  # Reads the environment when it is imported.

    threading.Thread(target=_stop_without_owner, args=(folder,), daemon=True).start()
    serve()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
