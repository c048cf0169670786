"""Keeper: the engine's own process. Runs ministack until the last server that uses it is gone, and
until its books are saved.
"""

import decimal
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.local.engine import forget, has_owner, locked

if TYPE_CHECKING:
    from chalicelib.local.persistence import Kept

CHECK_SECONDS = 0.25
SAVE_AGAIN_SECONDS = 2.0
_SAVES_WHEN_STOPPED = 5


def _stop_without_owner(folder: Path, kept: "Kept", saved: threading.Event) -> None:
    """Saves the books once no server uses them, and ends this process.

    Where they cannot be saved the process lives on: the next server that starts finds it and the
    books, and without one it tries again.
    """
    while True:
        time.sleep(CHECK_SECONDS)
        if not folder.exists():
            os._exit(0)  # Whoever removed the folder wants no books.
        if has_owner(folder):
            continue
        # Held until this process ends, so that a new engine starts on books that are saved.
        guard = locked(folder)
        guard.__enter__()
        if has_owner(folder) or not kept.save():
            guard.__exit__(None, None, None)
            time.sleep(SAVE_AGAIN_SECONDS)
            continue
        saved.set()
        forget(folder)
        for owner in (folder / "owners").iterdir():
            owner.unlink()
        os.kill(os.getpid(), signal.SIGTERM)
        return


def _stopped(folder: Path, kept: "Kept", tell: Callable[[str], None]) -> None:
    """Saves the books of an engine that somebody stopped, which will not live on."""
    for _ in range(_SAVES_WHEN_STOPPED):
        if not folder.exists():
            return
        if kept.save():
            forget(folder)
            return
        time.sleep(SAVE_AGAIN_SECONDS)
    tell("the books could not be saved; what was written since the last save is lost.")


def _tell(console: int | None, line: str) -> None:
    """Says a line to the person at the terminal of the server that started us, and in the log."""
    text = f"twofold: {line}\n"
    print(text, end="", file=sys.stderr, flush=True)
    if console is not None:
        with suppress(OSError):  # The terminal is closed.
            os.write(console, text.encode())


def main(folder: Path, port: int, console: int | None = None) -> None:
    """Serves DynamoDB and its streams on a port of this machine; saves the books when it stops.

    `console` is a file descriptor of the terminal of the server.
    """
    os.environ.update(
        SERVICES="dynamodb,dynamodbstreams",
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        PERSIST_STATE="0",  # It would put empty books over damaged ones, and not say so.
        TMPDIR=str(folder),  # For the file it writes its process id to.
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    # DynamoDB counts with 38 digits; ministack with as many as Python does unless told, 28.
    decimal.DefaultContext.prec = 38
    decimal.setcontext(decimal.DefaultContext)
    sys.argv = ["ministack"]
    # ministack reads the environment when it is imported.
    from ministack.app import main as serve
    from ministack.services import dynamodb

    from chalicelib.local.persistence import Kept

    tell = partial(_tell, console)

    def restore(state: Mapping[str, Any]) -> None:
        try:
            dynamodb.load_persisted_state(state)
        except Exception:
            dynamodb.reset()  # Of damaged books it may have taken a part.
            raise

    kept = Kept(folder, dynamodb.get_state, restore, tell)
    kept.load()
    saved = threading.Event()
    threading.Thread(target=_stop_without_owner, args=(folder, kept, saved), daemon=True).start()
    try:
        serve()
    finally:
        if not saved.is_set():
            _stopped(folder, kept, tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:]))
