"""Invocations: the events with which API Gateway, the event table's stream and the clock call our
Lambdas, and which Lambda each stage has.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chalicelib.events.recorded import Recorded
from chalicelib.http import keys
from ops.stages import stage_named
from tests.books import Bookkeeper, record_of


@dataclass(frozen=True)
class Lambda:
    """One of our Lambdas: its stage, and the module and the function that AWS calls."""

    name: str
    stage: str
    module: str
    handler: str


LAMBDAS = (
    Lambda("write", "write", "app", "app"),
    Lambda("authorizer", "write", "chalicelib.http.auth", "authorize"),
    Lambda("sweep", "write", "chalicelib.sweep", "sweep"),
    Lambda("accounts query", "accounts", "app", "app"),
    Lambda("accounts projector", "accounts", "chalicelib.read_models.accounts", "project_accounts"),
    Lambda("journal query", "journal", "app", "app"),
    Lambda("journal projector", "journal", "chalicelib.read_models.journal", "project_journal"),
)

_TOKEN = {
    "type": "TOKEN",
    "methodArn": "arn:aws:execute-api:us-east-1:000000000000:api/v1/GET/ledgers/acme/accounts",
}
_TICK = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-11-23T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


def environment(one: Lambda, endpoint: str) -> dict[str, str]:
    """What the Lambda's process would have in its environment, with tables of this benchmark."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        **stage_named(one.stage).variables,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": one.name,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "TWOFOLD_ENVIRONMENT": os.environ["TWOFOLD_ENVIRONMENT"],
    }


def request(method: str, resource: str, body: object = None, **parameters: str) -> dict[str, Any]:
    """A request as API Gateway hands it on; parameters of the path by name, others as the query."""
    path = {name: value for name, value in parameters.items() if f"{{{name}}}" in resource}
    query = {name: [value] for name, value in parameters.items() if name not in path}
    return {
        "resource": resource,
        "path": resource.format(**path),
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"} if method != "GET" else {},
        "multiValueQueryStringParameters": query or None,
        "pathParameters": path or None,
        "stageVariables": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource,
            "path": resource.format(**path),
            "requestId": str(uuid4()),
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": {"principalId": "bench", "scopes": "read,write", "ledgers": "*"},
        },
    }


def transfer(ledger: str, first: str, second: str, id: str, **fields: object) -> dict[str, Any]:
    """A transfer of 1."""
    entries = [
        {"account": first, "direction": "debit", "amount": "1"},
        {"account": second, "direction": "credit", "amount": "1"},
    ]
    body = {"id": id, "entries": entries, **fields}
    return request("POST", "/ledgers/{ledger}/transactions", body, ledger=ledger)


def delivery(events: Sequence[Recorded]) -> dict[str, Any]:
    """A batch of the event table's stream."""
    return {"Records": [record_of(event) for event in events]}


def one_transfer() -> list[Recorded]:
    """The events of a transfer in a new ledger."""
    books = Bookkeeper(f"cold-{uuid4()}")
    books.open_till()
    books.pay_in("transfer", 10)
    return list(books.recorded)


def first_of(one: Lambda, ledger: str) -> Mapping[str, Any]:
    """The first call of a Lambda. The ledger has two accounts and a transaction `known`."""
    match one.name:
        case "write":
            return transfer(ledger, "customers:0000", "customers:0001", str(uuid4()))
        case "accounts query":
            resource = "/ledgers/{ledger}/accounts/{account}"
            return request("GET", resource, ledger=ledger, account="customers:0000")
        case "journal query":
            resource = "/ledgers/{ledger}/transactions/{transaction}"
            return request("GET", resource, ledger=ledger, transaction="known")
        case "authorizer":
            secret, _ = keys.create("cold", [keys.READ], [keys.ALL_LEDGERS])
            return {**_TOKEN, "authorizationToken": f"Bearer {secret}"}
        case "sweep":
            return _TICK
        case _:
            return delivery(one_transfer())
