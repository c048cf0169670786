"""`AUTH=keys make run`: keys made by the operator for a running server, and what each opens."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore.session
import pytest
import urllib3

from tests.engines import ROOT
from tests.local.server import Server, chalice_local, copy_project, environment

pytestmark = pytest.mark.engine

ACCOUNT = {"id": "bob", "asset": "USD/2", "normal_balance": "credit"}
NOTHING_YET = (404, "ledger_not_found")
"""What is said of a ledger that the key opens, where it is empty."""

HTTP = urllib3.PoolManager(retries=False, timeout=30)


class Made(NamedTuple):
    """A key, and the id by which it is known."""

    secret: str
    id: str


class Guarded:
    """A server that asks for keys, and its operator's command line."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made = cache(self._make)  # Each is a process; tests that need the same one share it.

    def ops(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command of the operator on the running server's books."""
        return subprocess.run(
            [sys.executable, "-m", "ops", "--local", *words],
            cwd=self.server.project,
            env=environment(self.server.home, **environ),
            capture_output=True,
            text=True,
            check=False,
        )

    def key(self, *ledgers: str, scopes: tuple[str, ...] = ("read", "write")) -> Made:
        """A key; to all ledgers if none is named."""
        return self._made(ledgers, scopes)

    def _make(self, ledgers: tuple[str, ...], scopes: tuple[str, ...]) -> Made:
        opens = [word for ledger in ledgers for word in ("--ledger", ledger)] or ["--all-ledgers"]
        may = [word for scope in scopes for word in ("--scope", scope)]
        printed = self.ops("keys", "create", "--name", "test", *opens, *may).stdout
        found = re.fullmatch(r"(tf_\S{43})\n\nThis is key (\S{12}),.*\n", printed)
        assert found, printed
        return Made(*found.groups())

    def ask(
        self, method: str, path: str, key: Made | None = None, body: object = None
    ) -> tuple[int, Any]:
        """A status and a body."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.secret}"
        reply = HTTP.request(method, self.server.url + path, headers=headers, json=body)
        return reply.status, reply.json()

    def said(self, method: str, path: str, key: Made | None = None) -> tuple[int, str | None]:
        """A status, and the code of the problem that it is, if it is one."""
        status, body = self.ask(method, path, key)
        return status, body.get("code")

    def log(self) -> str:
        """What the server has printed."""
        return self.server.log.read_text()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with its operator's command line."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    shutil.copytree(ROOT / "ops", folder / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def guarded(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A running server that asks for keys."""
    home = tmp_path_factory.mktemp("books") / "home"
    with chalice_local(project, home, TWOFOLD_AUTH="keys", AUTH="keys") as server:
        server.start()
        yield Guarded(server)


def accounts_of(ledger: str) -> str:
    return f"/ledgers/{ledger}/accounts"


def test_health_is_open_and_nothing_else(guarded: Guarded, ledger: str) -> None:
    assert guarded.ask("GET", "/health")[0] == 200
    for method, path in (("GET", accounts_of(ledger)), ("POST", accounts_of(ledger))):
        status, problem = guarded.ask(method, path, None, ACCOUNT)
        assert (status, problem["code"]) == (401, "unauthorized")


def test_a_key_opens_its_ledger_for_reading_and_writing(guarded: Guarded, ledger: str) -> None:
    key = guarded.key(ledger, "another")

    assert guarded.ask("POST", accounts_of(ledger), key, ACCOUNT)[0] == 201
    assert guarded.ask("GET", f"{accounts_of(ledger)}/bob?min_version=1", key)[0] == 200
    assert guarded.said("GET", accounts_of("another"), key) == NOTHING_YET


def test_what_a_key_wrote_bears_its_id(guarded: Guarded, ledger: str) -> None:
    key = guarded.key()
    guarded.ask("POST", accounts_of(ledger), key, ACCOUNT)

    session: Any = botocore.session.get_session()
    engine = session.create_client(
        "dynamodb", endpoint_url=guarded.server.engine()["endpoint"], region_name="us-east-1"
    )
    first = engine.get_item(
        TableName="twofold-dev-events",
        Key={"stream": {"S": f"{ledger}/account/bob"}, "version": {"N": "1"}},
    )

    assert first["Item"]["actor"] == {"S": key.id}


def test_a_key_that_may_only_read_is_forbidden_to_write(guarded: Guarded) -> None:
    key = guarded.key("mine", scopes=("read",))

    assert guarded.said("GET", accounts_of("mine"), key) == NOTHING_YET
    status, problem = guarded.ask("POST", accounts_of("mine"), key, ACCOUNT)
    assert (status, problem["code"]) == (403, "forbidden")


def test_a_key_that_may_only_write_is_forbidden_to_read(guarded: Guarded, ledger: str) -> None:
    key = guarded.key(ledger, scopes=("write",))

    assert guarded.ask("POST", accounts_of(ledger), key, ACCOUNT)[0] == 201
    status, problem = guarded.ask("GET", accounts_of(ledger), key)
    assert (status, problem["code"]) == (403, "forbidden")


@pytest.mark.parametrize("scopes", [("read", "write"), ("read",)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_ledger_of_others_looks_as_if_it_did_not_exist(
    guarded: Guarded, ledger: str, method: str, scopes: tuple[str, ...]
) -> None:
    assert guarded.ask("POST", accounts_of(ledger), guarded.key(), ACCOUNT)[0] == 201
    key = guarded.key("mine", scopes=scopes)

    theirs = guarded.ask(method, accounts_of(ledger), key, ACCOUNT)
    nobodys = guarded.ask(method, accounts_of(f"{ledger}-nobodys"), key, ACCOUNT)

    assert theirs == nobodys
    assert (theirs[0], theirs[1]["code"]) == (404, "not_found")
    assert ledger not in str(theirs)


def test_an_escaped_name_opens_no_other_ledger(guarded: Guarded, ledger: str) -> None:
    key = guarded.key("mine")
    escaped = f"%{ord(ledger[0]):02x}{ledger[1:]}"

    for path in (escaped, f"mine%2F..%2F{ledger}", f"mine,{ledger}", "*", "%2A"):
        assert guarded.said("GET", accounts_of(path), key) == (404, "not_found"), path
    assert guarded.said("GET", accounts_of("%6Dine"), key) == NOTHING_YET


def test_an_unknown_key_is_unauthorized(guarded: Guarded, ledger: str) -> None:
    status, problem = guarded.ask("GET", accounts_of(ledger), Made("tf_" + "x" * 43, "-"))

    assert (status, problem["code"]) == (401, "unauthorized")


def test_a_revoked_key_is_unauthorized(guarded: Guarded, ledger: str) -> None:
    key = guarded.key(ledger)
    assert guarded.said("GET", accounts_of(ledger), key) == NOTHING_YET

    assert guarded.ops("keys", "revoke", key.id).returncode == 0

    status, problem = guarded.ask("GET", accounts_of(ledger), key)
    assert (status, problem["code"]) == (401, "unauthorized")


def test_the_server_says_once_how_to_make_a_key_and_that_command_makes_one(
    guarded: Guarded,
) -> None:
    (said,) = (line for line in guarded.log().splitlines() if "key" in line)
    command = said.partition(" --local ")[2].split()

    made = guarded.ops(*command)

    assert made.stdout.startswith("tf_"), said


def test_the_server_never_prints_a_key(guarded: Guarded, ledger: str) -> None:
    key = guarded.key("mine")
    for path in (accounts_of("mine"), accounts_of(ledger), f"{accounts_of('mine')}/bob", "/nope"):
        guarded.ask("GET", path, key)
    guarded.ask("POST", accounts_of("mine"), key, {"nonsense": 1})

    assert accounts_of(ledger) in guarded.log()
    assert key.secret not in guarded.log()


def test_the_operator_works_on_the_engine_that_the_environment_names(
    guarded: Guarded, tmp_path: Path
) -> None:
    key = guarded.key("mine")
    endpoint = guarded.server.engine()["endpoint"]
    elsewhere = {
        "TWOFOLD_HOME": str(tmp_path),
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
    }

    assert key.id in guarded.ops("keys", "list", **elsewhere).stdout


def test_without_a_running_server_the_operator_is_told_to_start_one(
    guarded: Guarded, tmp_path: Path
) -> None:
    told = guarded.ops("keys", "list", TWOFOLD_HOME=str(tmp_path))

    assert told.returncode == 1
    assert "make run" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_server_without_keys_says_so_once_and_asks_for_none(
    project: Path, tmp_path: Path, ledger: str
) -> None:
    with chalice_local(project, tmp_path / "home") as server:
        server.start()

        assert server.post(accounts_of(ledger), ACCOUNT).status == 201
        assert server.log.read_text().count("Requests are not authenticated") == 1


@pytest.mark.parametrize(("given", "passed"), [({}, "none"), ({"AUTH": "keys"}, "keys")])
def test_make_run_passes_on_what_it_is_told(given: dict[str, str], passed: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "AUTH"}
    printed = subprocess.run(
        ["make", "--dry-run", "run"],
        cwd=ROOT,
        env={**kept, **given},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert re.search(rf"TWOFOLD_AUTH={passed} \S*chalice local", printed)
