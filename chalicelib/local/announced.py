"""A server that tells the person at the terminal where it is, and why it cannot start."""

import signal
import threading
from dataclasses import dataclass

from chalice.app import Chalice
from chalice.config import Config
from psutil import Process

from chalicelib.local import engine, ports, reloader, terminal
from chalicelib.local.http_server import Server
from chalicelib.settings import settings

_AUTHENTICATION = {
    "none": "Requests are not authenticated; AUTH=keys make run asks for keys.",
    "keys": "Requests need a key: {twofold} --local keys create "
    "--name me --all-ledgers --scope read --scope write",
    "iam": "Requests are not authenticated: IAM is AWS's to check.",
    "cognito": "Requests need a token of the user pool, whose signature is not verified here.",
}
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Start:
    """How a server was started: `owner` is the process that the user started, `embedded` whether
    it uses the embedded engine, `again` whether Chalice has reloaded it.
    """

    owner: Process
    embedded: bool
    again: bool


def server_class(start: Start) -> type[Server]:
    """The class of the server, for `http_server.install`."""

    class Announced(Server):
        def __init__(self, app: Chalice, config: Config, host: str, port: int) -> None:
            try:
                super().__init__(app, config, host, port)
            except OverflowError:
                reloader.fail(ports.out_of_range(port))
            except OSError as error:
                reloader.fail(ports.describe(error, host, port, "chalice local --port {}"))

        def serve_forever(self) -> None:
            """Serves until Ctrl-C, or SIGTERM without Chalice's reloader."""
            _announce(start, self.host, self.port)
            if threading.current_thread() is not threading.main_thread():
                self.server.serve_forever()  # Chalice's reloader ends this process.
                return
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                self.server.serve_forever()
            except KeyboardInterrupt:
                # In a container the engine ends with this process, so it saves its data before.
                if start.embedded:
                    engine.release(start.owner)

    return Announced


def _announce(start: Start, host: str, port: int) -> None:
    url = f"http://{'127.0.0.1' if host == ports.EVERYWHERE else host}:{port}"
    if start.again:
        terminal.say("reloaded", url)
        return
    terminal.say("API", url)
    terminal.say("console", f"{url}/console")
    terminal.say("reference", f"{url}/docs")
    if start.embedded:
        terminal.say("data", f"{engine.home()}, kept between runs; make reset deletes it")
    twofold = terminal.operator_command()
    terminal.say("access", _AUTHENTICATION[settings().auth].format(twofold=twofold))
    if host not in _THIS_MACHINE and settings().auth != "keys":
        terminal.say(
            "warning",
            f"Whoever reaches port {port} can read and write; TWOFOLD_AUTH=keys asks for keys.",
        )
    terminal.say("stop", "Ctrl-C")
