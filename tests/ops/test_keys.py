"""`ops keys`: what the operator can do with keys, and what the command line never says."""

import hashlib

import pytest
from click.testing import CliRunner, Result

from chalicelib.http import keys
from ops.__main__ import ops

pytestmark = pytest.mark.usefixtures("moto")


def run(*words: str) -> Result:
    """The command line, in this process."""
    return CliRunner().invoke(ops, ["keys", *words])


def create(*words: str) -> str:
    """The key that a command makes."""
    made = run("create", "--name", "till", *words)
    assert made.exit_code == 0, made.output
    return made.output.split()[0]


def test_a_key_is_made_for_the_ledgers_and_scopes_that_are_named() -> None:
    secret = create("--ledger", "acme", "--ledger", "beta", "--scope", "read")

    found = keys.find(secret)

    assert found is not None
    assert found.name == "till"
    assert found.ledgers == {"acme", "beta"}
    assert found.scopes == {"read"}


def test_a_key_to_all_ledgers_is_made_by_that_word() -> None:
    found = keys.find(create("--all-ledgers", "--scope", "read", "--scope", "write"))

    assert found is not None
    assert found.ledgers == {"*"}
    assert found.scopes == {"read", "write"}


@pytest.mark.parametrize(
    "words",
    [
        ("--scope", "read"),
        ("--ledger", "acme", "--all-ledgers", "--scope", "read"),
        ("--ledger", "acme"),
        ("--ledger", "acme", "--scope", "admin"),
        ("--ledger", "*", "--scope", "read"),
        ("--ledger", "acme,beta", "--scope", "read"),
        ("--ledger", "", "--scope", "read"),
    ],
    ids=" ".join,
)
def test_a_key_that_does_not_say_clearly_what_it_opens_is_not_made(words: tuple[str, ...]) -> None:
    before = list(keys.every())

    refused = run("create", "--name", "till", *words)

    assert refused.exit_code == 2
    assert "tf_" not in refused.output
    assert list(keys.every()) == before


def test_a_list_names_each_key_and_what_it_opens_and_gives_none_away() -> None:
    secret = create("--ledger", "acme", "--scope", "read", "--scope", "write")
    hash = hashlib.sha256(secret.encode()).hexdigest()

    (line,) = (line for line in run("list").output.splitlines() if line.startswith(hash[:12]))

    assert line.endswith("till: read+write of acme, valid")
    assert secret.removeprefix("tf_") not in line
    assert hash[:13] not in line


def test_a_key_that_is_revoked_is_listed_as_such_and_opens_nothing() -> None:
    secret = create("--ledger", "acme", "--scope", "read")
    found = keys.find(secret)
    assert found is not None

    assert run("revoke", found.id).exit_code == 0

    assert keys.find(secret) is None
    (line,) = (line for line in run("list").output.splitlines() if line.startswith(found.id))
    assert ", revoked 20" in line


def test_revoking_by_the_key_itself_finds_nothing_and_does_not_repeat_it() -> None:
    secret = create("--ledger", "acme", "--scope", "read")

    refused = run("revoke", secret)

    assert refused.exit_code == 1
    assert secret.removeprefix("tf_") not in refused.output
    assert keys.find(secret) is not None
