"""OpenAPI: makes the description of the API, out of its routes and of a session that is played."""

import json
import time
from collections import defaultdict
from typing import Any
from uuid import uuid4

import click
import urllib3

from chalicelib.http.description import OPENAPI
from chalicelib.http.router import Route
from ops.describing.document import document
from ops.describing.messages import Json
from ops.examples import SESSION, Example

LEDGER = "acme"
"""As which the ledger appears in the examples, whatever the one they were played in is called."""


def routes() -> list[Route]:
    """All routes of the API."""
    from app import routers

    return [route for router in routers for route in router.declared if route.described]


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
def openapi(url: str) -> None:
    """Writes the API's description, with examples from a running server (`make run`)."""
    http = urllib3.PoolManager(retries=False, timeout=30)
    ledger = f"example-{uuid4().hex}"
    examples: dict[str, list[Json]] = defaultdict(list)
    for example in SESSION:
        examples[example.operation].append(played(http, url, ledger, example))
    described = document(routes(), examples)
    OPENAPI.write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n")
    click.echo(f"{len(described['paths'])} paths, {len(SESSION)} examples")


def played(http: urllib3.PoolManager, url: str, ledger: str, example: Example) -> Json:
    """What was asked and answered. Raises a click error for another status than it should be."""
    reply = http.request(
        example.method,
        f"{url}{example.whole_path(ledger)}",
        headers={"Content-Type": "application/json", **example.headers},
        body=None if example.body is None else json.dumps(example.body),
    )
    if reply.status != example.status:
        raise click.ClickException(f"{example}: answered {reply.status} {reply.data!r}")
    # What was written is listed once it has been projected.
    time.sleep(0 if example.method == "GET" else 0.2)
    return {
        "method": example.method,
        "path": example.whole_path(LEDGER),
        "headers": example.headers,
        "request": example.body,
        "response": only_of(LEDGER, json.loads(reply.data.decode().replace(ledger, LEDGER))),
        "status": example.status,
    }


def only_of(ledger: str, answer: Any) -> Any:
    """An answer without the other ledgers that the server may have."""
    if "ledgers" in answer:
        answer["ledgers"] = [each for each in answer["ledgers"] if each["id"] == ledger]
    return answer
