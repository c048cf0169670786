"""The engine process: runs ministack until no server uses it any more and its data are saved."""

import asyncio
import decimal
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.local.engine import forget, has_owner, locked

if TYPE_CHECKING:
    from chalicelib.local.persistence import Persistence

_CHECK_SECONDS = 0.25
_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 3
_SAVE_AGAIN_SECONDS = 2.0
_FINAL_SAVES = 5


def _stop_without_owner(folder: Path, books: "Persistence", stop: threading.Event) -> None:
    """Sets `stop` once no server uses the engine and its data can be saved.

    If they cannot it tries again, unless a new server uses the engine.
    """
    while True:
        time.sleep(_CHECK_SECONDS)
        if not folder.exists():
            os._exit(0)  # The folder was removed on purpose, and the books with it.
        if has_owner(folder):
            continue
        with locked(folder):
            if not has_owner(folder) and books.save():
                for owner in (folder / "owners").iterdir():
                    owner.unlink()
                stop.set()
                # Until this process ends, so that no new engine loads the books before.
                threading.Event().wait()
        time.sleep(_SAVE_AGAIN_SECONDS)


def _save_finally(folder: Path, books: "Persistence", report: Callable[[str], None]) -> None:
    """Saves the data of an engine that serves no more, with a few attempts.

    Only then are all writes in them that a client was told of: until it stopped serving, an orphan
    of an ended server may have gone on.
    """
    for _ in range(_FINAL_SAVES):
        if not folder.exists():
            return
        if books.save():
            forget(folder)
            return
        time.sleep(_SAVE_AGAIN_SECONDS)
    report("the books could not be saved; what was written since the last save is lost.")


def _serve(port: int, stop: threading.Event) -> None:
    """Serves ministack on a port of this machine until `stop` is set. Exits if it cannot."""
    import uvicorn
    from ministack.app import app

    class Server(uvicorn.Server):
        """Ends when `stop` is set, and leaves signals to this process."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def on_tick(self, counter: int) -> bool:
            return stop.is_set() or await super().on_tick(counter)

    config = uvicorn.Config(
        app,
        # Not a socket of ours: asyncio would leave Nagle's algorithm on, a delay of 40 ms.
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="asyncio",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,  # ministack sends one.
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    asyncio.run(Server(config).serve())


def _report(console: int | None, line: str) -> None:
    """Writes a line to the log, and to the terminal of the server that started this process."""
    text = f"twofold: {line}\n"
    print(text, end="", file=sys.stderr, flush=True)
    if console is not None:
        with suppress(OSError):  # The terminal is closed.
            os.write(console, text.encode())


def main(folder: Path, port: int, console: int | None = None) -> None:
    """Serves DynamoDB and its streams on a port of this machine; saves the data when it stops.

    SIGTERM and SIGINT stop it, however often they come. `console` is a file descriptor of the
    server's terminal.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not asyncio's handlers: they are gone before the data are saved.
        signal.signal(number, lambda *_: stop.set())
    os.environ.update(
        SERVICES="dynamodb,dynamodbstreams",
        GATEWAY_PORT=str(port),
        PERSIST_STATE="0",  # ministack's own would silently overwrite damaged books.
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    # Each connection is an open file.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS calls it unlimited, and refuses to set that.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # DynamoDB's numbers have 38 digits; ministack's have Python's default of 28 unless it is set.
    decimal.DefaultContext.prec = 38
    decimal.setcontext(decimal.DefaultContext)
    # ministack reads the environment when it is imported.
    from ministack.services import dynamodb

    from chalicelib.local.persistence import Persistence

    def restore(state: Mapping[str, Any]) -> None:
        try:
            dynamodb.load_persisted_state(state)
        except Exception:
            dynamodb.reset()  # It may have loaded a part of damaged books.
            raise

    report = partial(_report, console)
    books = Persistence(folder, dynamodb.get_state, restore, report)
    books.load()
    watch = threading.Thread(target=_stop_without_owner, args=(folder, books, stop), daemon=True)
    watch.start()
    try:
        _serve(port, stop)
    finally:
        _save_finally(folder, books, report)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:]))
