"""The commands: in which order stages come up, and mistakes of a person's in one line."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops import deploy, gateway
from ops.__main__ import ops
from ops.deploying.stage import Deployment
from tests.ops.deploying.cloudformation import Cloud, error
from tests.ops.deploying.conftest import ACCOUNTS, WRITE, Maker, reading, template, writing
from tests.ops.deploying.test_life_of_a_stack import BALANCES, up


def run(*arguments: str) -> Result:
    """What a command prints and how it ends."""
    return CliRunner().invoke(ops, arguments)


def names(deployments: Sequence[Deployment]) -> list[str]:
    """Their stages."""
    return [each.stage.name for each in deploy._in_order(deployments)]


def test_the_stage_that_writes_comes_first_where_it_is_new(make: Maker) -> None:
    assert names([make(ACCOUNTS, reading()), make(WRITE, writing())]) == ["write", "accounts"]


def test_stages_that_read_come_first_where_all_exist(make: Maker) -> None:
    up(make)
    assert names([make(WRITE, writing()), make(ACCOUNTS, reading())]) == ["accounts", "write"]


def test_a_new_stage_that_reads_comes_after_the_one_that_writes(make: Maker) -> None:
    write = make(WRITE, writing())
    write.bring_up()
    assert names([make(ACCOUNTS, reading()), write]) == ["write", "accounts"]


def test_a_failed_first_deploy_of_the_stage_that_writes_counts_as_none(
    cloud: Cloud, make: Maker
) -> None:
    up(make)
    cloud.stack("twofold-write").status = "ROLLBACK_COMPLETE"
    assert names([make(ACCOUNTS, reading()), make(WRITE, writing())]) == ["write", "accounts"]


def with_domain(name: str) -> dict[str, Any]:
    """The template of a stage that writes and has a custom domain."""
    template = writing()
    stage = replace(
        WRITE, variables={"TWOFOLD_DOMAIN": name, "TWOFOLD_CERTIFICATE": "arn:of:a:certificate"}
    )
    template["Resources"]["DomainName"] = {
        "Type": "AWS::ApiGateway::DomainName",
        "Properties": {"DomainName": name},
    }
    template["Outputs"] = {"Domain": gateway.domain_outputs(stage)["Domain"]}
    return template


@pytest.mark.parametrize("before", [None, "old.example.com"])
def test_a_domain_that_is_new_or_changed_is_made_before_the_stages_that_are_mapped_to_it(
    make: Maker, before: str | None
) -> None:
    up(make)
    if before:
        make(WRITE, with_domain(before)).bring_up()
    write = make(WRITE, with_domain("new.example.com"))
    accounts = make(ACCOUNTS, reading())
    assert names([accounts, write]) == ["write", "accounts"]

    write.bring_up()

    assert names([accounts, write]) == ["accounts", "write"]


def test_stages_leave_a_domain_before_it_is_removed(make: Maker) -> None:
    up(make)
    make(WRITE, with_domain("old.example.com")).bring_up()
    assert names([make(WRITE, writing()), make(ACCOUNTS, reading())]) == ["accounts", "write"]


@pytest.fixture
def packaged(make: Maker, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """The templates that the next `deploy` has, in place of what Chalice would make."""
    templates = {"write": writing(), "accounts": reading()}

    @contextmanager
    def deployments(_: object, released: Sequence[str]) -> Iterator[list[Deployment]]:
        stages = ((WRITE, templates["write"]), (ACCOUNTS, templates["accounts"]))
        yield [make(stage, each, released=released) for stage, each in stages]

    monkeypatch.setattr(deploy, "_deployments", deployments)
    monkeypatch.setattr("ops.deploying.bucket.Bucket.prepare", lambda _: None)
    monkeypatch.setattr("ops.deploying.bucket.Bucket.expire", lambda *_: [])
    monkeypatch.setattr("ops.logging_role.ensure", lambda *_: None)
    return templates


def test_a_deploy_says_what_lives_where_after_it_was_called(
    packaged: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr("ops.deploying.health.check", lambda root, *_: called.append(root))

    done = run("deploy")

    assert done.exit_code == 0, done.output
    assert called == ["https://twofold-write.example/v1", "https://twofold-accounts.example/v1"]
    assert "prod is up:\n  write        https://twofold-write.example/v1\n" in done.output
    assert "[1/2] write: made" in done.output
    called.clear()
    again = run("deploy", "--no-health")
    assert "[1/2] accounts: left alone" in again.output
    assert called == []
    assert packaged


def test_a_plan_ends_with_an_error_where_a_table_would_be_replaced(
    make: Maker, packaged: dict[str, dict[str, object]]
) -> None:
    up(make)
    assert run("deploy", "--plan").exit_code == 0
    packaged["accounts"] = template()

    planned = run("deploy", "--plan", "--json")

    assert planned.exit_code == 1
    assert f"deploy would stop: accounts: the table {BALANCES}" in planned.stderr
    stages = {each["stage"]: each for each in json.loads(planned.stdout)}
    assert [each["name"] for each in stages["accounts"]["removed"] if "Table" in each["type"]] == [
        BALANCES
    ]
    assert run("deploy", "--plan", "--release", BALANCES).exit_code == 0


def one_line(done: Result) -> str:
    """The one line of an error. Fails for a traceback."""
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    lines = done.stderr.strip().splitlines()
    assert [line.startswith("Error: ") for line in lines].index(True) == len(lines) - 1
    return lines[-1]


@pytest.mark.parametrize("command", [["deploy"], ["destroy"], ["deploy", "--plan"]])
def test_without_credentials_a_command_ends_in_one_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(deploy, "warn", lambda _: None)
    assert "no credentials for AWS" in one_line(run(*command))


def test_what_aws_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise error("AccessDenied", "you may not", "GetCallerIdentity")

    monkeypatch.setattr(deploy, "account", refuse)
    monkeypatch.setattr(deploy, "warn", lambda _: None)
    assert "AWS refused GetCallerIdentity: AccessDenied: you may not" in one_line(run("deploy"))


def test_an_aws_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(deploy, "warn", lambda _: None)
    assert "Could not connect to the endpoint URL" in one_line(run("deploy"))


def test_an_error_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(deploy, "account", fail)
    monkeypatch.setattr(deploy, "warn", lambda _: None)
    assert isinstance(run("deploy").exception, ZeroDivisionError)


def test_the_word_that_deletes_the_books_is_asked_for_exactly() -> None:
    assert "--events delete-the-books" in one_line(run("destroy", "--events", "yes"))


def test_a_deploy_prints_the_addresses_as_json(packaged: dict[str, dict[str, object]]) -> None:
    done = run("deploy", "--no-health", "--json")

    assert packaged
    assert json.loads(done.stdout) == {
        "environment": "prod",
        "stages": [
            {"stage": "write", "address": "https://twofold-write.example/v1"},
            {"stage": "accounts", "address": "https://twofold-accounts.example/v1"},
        ],
    }
    assert "[1/2] write: made" in done.stderr
