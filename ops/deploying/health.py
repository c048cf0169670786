"""Health: the address of a stage, and one call of it after a deployment."""

import json
import os
from collections.abc import Callable, Mapping, Sequence

import urllib3

from ops.deploying.waiting import until

SECONDS = 90
"""How long a new API may take until it responds correctly."""

ADDRESS = "TWOFOLD_API_ADDRESS"
"""Names a pattern of the APIs' addresses, such as http://proxy/{api}/{stage}, where their own names
are not resolved: behind a proxy, or on an emulator."""

Fetch = Callable[[str], tuple[int, bytes]]
"""Status and body of a GET; without a response the status is 0 and the body is the reason."""


def address(outputs: Mapping[str, str]) -> str:
    """A stage's address, without a slash at its end, from the outputs of its stack."""
    own = outputs["EndpointURL"].rstrip("/")
    pattern = os.environ.get(ADDRESS)
    if not pattern:
        return own
    return pattern.format(api=outputs["RestAPIId"], stage=own.rpartition("/")[2])


def fetch(url: str) -> tuple[int, bytes]:
    """GETs an address."""
    http = urllib3.PoolManager(retries=False, timeout=30)
    try:
        reply = http.request("GET", url)
    except urllib3.exceptions.HTTPError as error:
        return 0, str(error).encode()
    return reply.status, reply.data


def check(root: str, serves: Sequence[str], version: str, get: Fetch = fetch) -> None:
    """Waits until a stage's /health names these APIs and this version.

    Raises a click error with the last response after 90 seconds.
    """
    last = ""

    def look() -> bool | None:
        nonlocal last
        status, body = get(f"{root}/health")
        last = f"{status} {body[:200].decode(errors='replace')}"
        if status != 200:
            return None
        try:
            found = json.loads(body)
        except ValueError:
            return None
        right = found.get("serves") == list(serves) and found.get("version") == version
        return right or None

    wanted = f"{root}/health to answer as version {version} of {', '.join(serves)}"
    until(look, seconds=SECONDS, what=lambda: f"{wanted}: {last}")
