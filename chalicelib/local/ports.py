"""Ports: why a server cannot listen on one, in a line that says what to do.

Imports only the standard library, since `make run` asks before anything is installed.
"""

import errno
import http.client
import json
import socket
import urllib.request
from contextlib import suppress

LOWEST, HIGHEST = 1, 65535

EVERYWHERE = "0.0.0.0"  # noqa: S104  # Compared with, to warn of it.
"""The host of a server that listens on every address of its machine."""


def check(host: str, port: int, again: str) -> str | None:
    """Why a server cannot listen there, as `describe` says it; None if it can."""
    if not LOWEST <= port <= HIGHEST:
        return out_of_range(port)
    try:
        _listen(host, port)
    except OSError as error:
        return describe(error, host, port, again)
    return None


def out_of_range(port: object) -> str:
    """The line about a port that does not exist."""
    return f"a port is a number from {LOWEST} to {HIGHEST}, not {port}"


def describe(error: OSError, host: str, port: int, again: str) -> str:
    """The line about an error of listening there.

    `again` is the command that starts the server on another port, with {} for the port.
    """
    match error.errno:
        case errno.EADDRINUSE:
            version = _serving(port)
            user = f"Twofold {version}" if version else "another program"
            free = again.format(_free_after(host, port))
            return f"port {port} is in use by {user}; stop it, or take another port: {free}"
        case errno.EACCES:
            return f"port {port} needs root's rights; take another port: {again.format(8000)}"
    return f"cannot listen on {host}, port {port}: {error.strerror or error}"


def _listen(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As the server does: a port whose connections have just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        probe.listen()


def _free_after(host: str, port: int) -> int:
    for candidate in range(port + 1, HIGHEST):
        with suppress(OSError):
            _listen(host, candidate)
            return candidate
    return port


def _serving(port: int) -> str | None:
    """The version of the Twofold that answers on this port; None for anything else."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as reply:
            health = json.load(reply)
        return str(health["version"]) if "serves" in health else None
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return None
