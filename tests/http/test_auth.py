"""Auth: which routes ask for it, what the authorizer says of a key, and who a request is from."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.http import keys
from chalicelib.http.auth import KEY_HEADER_PATTERN, authorize, authorizer
from chalicelib.http.request import caller
from chalicelib.settings import read_again
from chalicelib.tables import connection
from ops.gateway import OPEN_PATHS
from tests.engines import ROOT

POOL = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_pool"
ROUTES = (
    "import json; from app import app; print(json.dumps({f'{method} {path}': "
    "getattr(route.authorizer, 'name', None) for path, methods in app.routes.items() "
    "for method, route in methods.items()}))"
)


def routes(**environment: str) -> dict[str, str | None]:
    """Each route and what it asks, of an app that is imported in this environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWOFOLD_")}
    ran = run(ROUTES, {**kept, "TWOFOLD_USER_POOL_ARN": POOL, **environment})
    found: dict[str, str | None] = json.loads(ran)
    return found


def run(script: str, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture
def under(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Switches this process to another kind of authentication."""

    def switch(auth: str) -> None:
        monkeypatch.setenv("TWOFOLD_AUTH", auth)
        read_again()

    yield switch
    monkeypatch.undo()
    read_again()


def judged(token: str) -> Any:
    """The authorizer's answer to API Gateway."""
    arn = "arn:aws:execute-api:us-east-1:000000000000:api/v1/GET/ledgers/acme/accounts"
    return authorize({"type": "TOKEN", "authorizationToken": token, "methodArn": arn}, {})


OPEN = {f"{method} {path}" for method in ("GET", "HEAD") for path in OPEN_PATHS}
OPEN_OF_WRITES = {route for route in OPEN if "/health" in route or "/problems/" in route}
"""What anybody may ask: of a stage that serves reads, and of one that only writes."""


def opened(found: dict[str, str | None]) -> set[str]:
    """The routes that ask nothing."""
    return {route for route, asked in found.items() if asked is None}


def lets_in(answer: Any) -> bool:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    return bool(statement["Resource"])


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, "authorize"),
        ({"TWOFOLD_AUTH": "keys"}, "authorize"),
        ({"TWOFOLD_AUTH": "iam"}, "sigv4"),
        ({"TWOFOLD_AUTH": "cognito"}, "users"),
        ({"TWOFOLD_AUTH": "none"}, None),
    ],
    ids=["nothing said", "keys", "iam", "cognito", "none"],
)
def test_every_route_of_a_ledger_asks_what_the_stage_says(
    environment: dict[str, str], asked: str | None
) -> None:
    found = routes(**environment)

    assert found.keys() >= OPEN
    assert asked is None or opened(found) == OPEN
    assert {"POST /ledgers/{ledger}/transactions", "GET /ledgers/{ledger}/accounts"} <= found.keys()
    assert set(found.values()) == {None, asked}


@pytest.mark.parametrize("half", ["write", "accounts", "journal"])
def test_each_half_asks_for_keys_when_it_is_deployed_alone(half: str) -> None:
    found = routes(TWOFOLD_SERVES=half)

    assert opened(found) == (OPEN_OF_WRITES if half == "write" else OPEN)
    assert set(found.values()) == {None, "authorize"}


def test_a_stage_that_only_writes_serves_no_page_that_anybody_may_ask_for() -> None:
    assert not routes(TWOFOLD_SERVES="write").keys() & (OPEN - OPEN_OF_WRITES)
    assert routes(TWOFOLD_SERVES="write,journal").keys() >= OPEN


def test_cognito_without_a_user_pool_does_not_start(under: Callable[[str], None]) -> None:
    under("cognito")

    with pytest.raises(ValueError, match="TWOFOLD_USER_POOL_ARN"):
        authorizer()


def test_the_authorizer_loads_neither_the_app_nor_the_domain() -> None:
    loaded = set(run("import sys, chalicelib.http.auth; print(*sys.modules)").split())

    assert "chalicelib.http.keys" in loaded
    assert not loaded & {"app", "boto3", "msgspec", "aws_lambda_powertools", "chalicelib.domain"}


@pytest.mark.usefixtures("moto")
def test_a_key_is_let_in_under_its_id_with_what_it_opens() -> None:
    secret, key = keys.create("till", ["write", "read"], ["beta", "acme"])

    answer = judged(f"Bearer {secret}")

    assert lets_in(answer)
    assert answer["principalId"] == key.id
    assert answer["context"] == {"scopes": "read,write", "ledgers": "acme,beta"}
    assert secret not in json.dumps(answer)


@pytest.mark.usefixtures("moto")
def test_the_word_bearer_may_be_written_in_any_case() -> None:
    secret, _ = keys.create("till", ["read"], [keys.ALL_LEDGERS])

    assert lets_in(judged(f"bearer {secret}"))


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize(
    "token", ["", "Bearer", "Bearer ", "Bearer tf_", "Bearer tf_unknown", "Bearer \u00fc", "{}"]
)
def test_what_is_no_key_is_not_let_in(token: str) -> None:
    answer = judged(token)

    assert not lets_in(answer)
    assert answer["context"] == {}


@pytest.mark.usefixtures("moto")
def test_a_key_is_let_in_as_a_bearer_token_only() -> None:
    secret, _ = keys.create("till", ["read"], ["acme"])

    assert not lets_in(judged(secret))
    assert not lets_in(judged(f"Basic {secret}"))


@pytest.mark.usefixtures("moto")
def test_the_gateway_lets_every_key_through_to_the_authorizer() -> None:
    for _ in range(100):
        secret, _ = keys.create("till", ["read"], ["acme"])
        for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
            assert re.search(KEY_HEADER_PATTERN, f"{scheme} {secret}")
    assert lets_in(judged(f"bEaReR {secret}"))


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize(
    "damage",
    [
        lambda header: header.removeprefix("Bearer "),
        lambda header: header.replace("Bearer", "Basic"),
        lambda header: header.replace("Bearer ", "Bearer"),
        lambda header: header.replace("Bearer ", "Bearer  "),
        lambda header: header.replace("Bearer ", "Bearer\t"),
        lambda header: header.replace("Bearer", "xBearer"),
        lambda header: header.replace("Bearer", "\u212aearer"),
        lambda header: header.replace("tf_", "TF_"),
        lambda header: header.replace("tf_", ""),
        lambda header: f" {header}",
        lambda header: f"{header} ",
        lambda header: f"{header}x",
        lambda header: f"{header},{header}",
        lambda header: f"{header}\n",
        lambda header: header[:-1],
        lambda header: header[:-1] + "=",
        lambda header: header[:-1] + "\u00e9",
    ],
)
def test_what_the_gateway_refuses_the_authorizer_would_refuse_as_well(
    damage: Callable[[str], str],
) -> None:
    secret, _ = keys.create("till", ["read"], ["acme"])
    header = damage(f"Bearer {secret}")

    # Of Java's `$`, as of Python's, a line's end may follow; a header cannot have one.
    assert header.endswith("\n") or not re.search(KEY_HEADER_PATTERN, header)
    assert not lets_in(judged(header))


@pytest.mark.usefixtures("moto")
def test_what_cannot_be_a_key_costs_no_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys.KeyItem, "get", None)

    assert not lets_in(judged("Bearer tf_unknown"))
    assert not lets_in(judged("Bearer " + "x" * 8000))


@pytest.mark.usefixtures("moto")
def test_a_revoked_key_is_not_let_in() -> None:
    secret, key = keys.create("till", ["read"], ["acme"])
    keys.revoke(key.id)

    assert not lets_in(judged(f"Bearer {secret}"))


@pytest.mark.usefixtures("moto")
def test_a_request_costs_one_read_of_one_item() -> None:
    secret, _ = keys.create("till", ["read"], ["acme"])
    calls: list[str] = []

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    events = connection().client.meta.events
    events.register("after-call.dynamodb", note)
    try:
        judged(f"Bearer {secret}")
    finally:
        events.unregister("after-call.dynamodb", note)

    assert calls == ["GetItem"]


@pytest.mark.parametrize("context", [{}, {"authorizer": {}}, {"authorizer": None}])
@pytest.mark.parametrize("auth", ["keys", "cognito"])
def test_a_request_that_no_authorizer_vouches_for_opens_nothing(
    under: Callable[[str], None], auth: str, context: dict[str, Any]
) -> None:
    under(auth)

    found = caller(context)

    assert "read" not in found.scopes
    assert "write" not in found.scopes
    assert not found.opens("acme")
    assert not found.opens("")


def test_a_key_opens_what_its_authorizer_says(under: Callable[[str], None]) -> None:
    under("keys")
    said = {"principalId": "0123456789ab", "scopes": "read", "ledgers": "acme,beta"}

    found = caller({"authorizer": said})

    assert found.actor == "0123456789ab"
    assert ("read" in found.scopes, "write" in found.scopes) == (True, False)
    assert [found.opens(ledger) for ledger in ("acme", "beta", "acm", "acme,beta", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip  # In the order of the ledgers.


def test_a_key_to_all_ledgers_opens_any(under: Callable[[str], None]) -> None:
    under("keys")

    assert caller({"authorizer": {"scopes": "read", "ledgers": "*"}}).opens("acme")


def test_a_user_of_a_pool_opens_what_its_claims_say(under: Callable[[str], None]) -> None:
    under("cognito")
    claims = {"sub": "user-1", "custom:scopes": "read, write", "custom:ledgers": "acme"}

    found = caller({"authorizer": {"claims": claims}})

    assert found.actor == "user-1"
    assert "write" in found.scopes
    assert (found.opens("acme"), found.opens("beta")) == (True, False)


def test_whom_iam_lets_in_is_known_by_its_arn_and_was_judged_before(
    under: Callable[[str], None],
) -> None:
    under("iam")
    arn = "arn:aws:sts::000000000000:assumed-role/till/session"

    found = caller({"identity": {"userArn": arn}})

    assert found.actor == arn
    assert "write" in found.scopes
    assert found.opens("acme")


def test_without_authentication_everyone_is_anonymous_and_may_all(
    under: Callable[[str], None],
) -> None:
    under("none")

    found = caller({})

    assert found.actor == "anonymous"
    assert "write" in found.scopes
    assert found.opens("acme")
