"""Settings: what a process is told by its environment, and that only `chalice local` embeds."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from chalicelib import settings
from tests.engines import ROOT

CHALICE_CLI = {"TWOFOLD_EMBEDDED": "1", "AWS_CHALICE_CLI_MODE": "true"}

# What `chalice` does to load the app of the dev stage, with the environment of its config.json.
LOAD_THE_APP = """
import os, sys
from chalice.cli.factory import CLIFactory
sys.modules["chalicelib.local"] = None  # An import of the embedded stack ends this process.
factory = CLIFactory(os.getcwd(), environ=os.environ)
app = factory.create_config_obj(chalice_stage_name="dev").chalice_app
assert "/health" in app.routes
"""


def test_a_process_that_was_told_nothing_serves_everything_of_dev() -> None:
    told = settings.read({})

    assert told.environment == "dev"
    assert told.serves == ("write", "accounts", "journal")
    assert told.region == "us-east-1"
    assert told.endpoint is None
    assert not told.embedded
    assert told.home == Path.home() / ".cache" / "twofold"


def test_a_process_is_told_by_its_environment() -> None:
    told = settings.read(
        {
            "TWOFOLD_ENVIRONMENT": "prod",
            "TWOFOLD_SERVES": "accounts",
            "TWOFOLD_HOME": "/books",
            "TWOFOLD_STREAM_ARN": "arn:of:stream",
        }
    )

    assert told.environment == "prod"
    assert told.serves == ("accounts",)
    assert told.home == Path("/books")
    assert told.stream_arn == "arn:of:stream"


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": ""}, "us-east-1"),
    ],
)
def test_the_region_is_lambdas_before_the_default(environ: dict[str, str], region: str) -> None:
    told = settings.read(environ)

    assert told.region == region
    assert told.stream_arn.startswith(f"arn:aws:dynamodb:{region}:")


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://a", "AWS_ENDPOINT_URL": "http://b"}, "http://a"),
        ({"AWS_ENDPOINT_URL": "http://b"}, "http://b"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": ""}, None),
    ],
)
def test_the_endpoint_is_dynamodbs_before_that_of_all_services(
    environ: dict[str, str], endpoint: str | None
) -> None:
    assert settings.read(environ).endpoint == endpoint


@pytest.mark.parametrize("serves", ["ledger", "write,acounts", "write,,journal", "write, journal"])
def test_a_half_that_does_not_exist_is_refused_by_name(serves: str) -> None:
    wrong = (set(serves.split(",")) - {"write", "accounts", "journal"}).pop()

    with pytest.raises(ValueError, match=rf"no such API: {wrong}$"):
        settings.read({"TWOFOLD_SERVES": serves})


def test_each_environment_has_tables_of_its_own() -> None:
    staging, prod = (
        settings.read({"TWOFOLD_ENVIRONMENT": environment}) for environment in ("staging", "prod")
    )

    assert staging.table_name("events") == "twofold-staging-events"
    assert prod.table_name("events") == "twofold-prod-events"
    assert "table/twofold-prod-events/" in prod.stream_arn


@pytest.mark.parametrize(
    "words",
    [
        "local",
        "local --port 1",
        "local --stage dev --no-autoreload",
        "--debug local",
        "--project-dir . local",
        "--project-dir=. --no-debug local --host 0.0.0.0",
    ],
)
def test_chalice_local_brings_the_rest_of_the_system_with_it(words: str) -> None:
    argv = ["/usr/bin/chalice", *words.split()]

    assert settings.read(CHALICE_CLI, argv).embedded
    assert not settings.read({**CHALICE_CLI, "TWOFOLD_EMBEDDED": "0"}, argv).embedded
    assert not settings.read({"AWS_CHALICE_CLI_MODE": "true"}, argv).embedded


@pytest.mark.parametrize(
    "words",
    [
        "package out",
        "package local",
        "package --stage local out",
        "--project-dir local package out",
        "--debug --project-dir local deploy",
        "deploy --stage dev",
        "dev appgraph",
        "",
    ],
)
def test_no_other_command_of_chalice_does(words: str) -> None:
    assert not settings.read(CHALICE_CLI, ["chalice", *words.split()]).embedded


def test_nor_a_lambda_nor_a_process_that_is_not_chalice() -> None:
    local = ["chalice", "local"]

    assert not settings.read({"TWOFOLD_EMBEDDED": "1"}, local).embedded
    assert not settings.read({**CHALICE_CLI, "AWS_LAMBDA_FUNCTION_NAME": "f"}, local).embedded


def test_nobody_is_let_in_unknown_by_default_except_on_a_laptop() -> None:
    assert settings.read({}).auth == "keys"
    assert settings.read(CHALICE_CLI, ["chalice", "package", "out"]).auth == "keys"
    assert settings.read({**CHALICE_CLI, "AWS_LAMBDA_FUNCTION_NAME": "f"}, ["", "local"]).auth == (
        "keys"
    )
    assert settings.read(CHALICE_CLI, ["chalice", "local"]).auth == "none"
    assert settings.read({**CHALICE_CLI, "TWOFOLD_AUTH": "iam"}, ["", "local"]).auth == "iam"


def test_a_kind_of_authentication_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not open$"):
        settings.read({"TWOFOLD_AUTH": "open"})


@pytest.mark.parametrize(
    ("name", "unset"),
    [
        ("TWOFOLD_PROJECTS", True),
        ("TWOFOLD_STRONG_READS", False),
        ("TWOFOLD_GENERATIONS", False),
    ],
)
def test_a_switch_is_1_or_0_and_nothing_else(name: str, unset: bool) -> None:
    field = name.removeprefix("TWOFOLD_").lower()

    for environ, told in (({name: "1"}, True), ({name: "0"}, False), ({}, unset)):
        assert getattr(settings.read(environ), field) is told
    for wrong in ("yes", "true", "2", " 1"):
        with pytest.raises(ValueError, match=rf"^{name} is 1 or 0, not {wrong}$"):
            settings.read({name: wrong})


def test_a_lambda_without_authentication_does_not_start() -> None:
    with pytest.raises(ValueError, match=r"set it to keys, iam or cognito"):
        settings.read({"TWOFOLD_AUTH": "none", "AWS_LAMBDA_FUNCTION_NAME": "f"})

    for auth in ("keys", "iam", "cognito"):
        told = settings.read({"TWOFOLD_AUTH": auth, "AWS_LAMBDA_FUNCTION_NAME": "f"})
        assert (told.auth, told.in_lambda) == (auth, True)


def test_outside_a_lambda_authentication_may_be_switched_off() -> None:
    assert settings.read({"TWOFOLD_AUTH": "none"}).auth == "none"


ADDRESSES = ("TWOFOLD_ACCOUNTS_URL", "TWOFOLD_JOURNAL_URL")


@pytest.mark.parametrize(
    "address",
    [
        "https://ledger.example.com",
        "https://ledger.example.com/accounts",
        "https://ledger.example.com:8443/books/accounts",
        "https://abc123.execute-api.eu-west-1.amazonaws.com/v1",
    ],
)
def test_the_read_apis_have_addresses_where_they_are_said(address: str) -> None:
    told = settings.read(dict.fromkeys(ADDRESSES, address))

    assert (told.accounts_url, told.journal_url) == (address, address)


def test_without_them_the_addresses_are_not_known() -> None:
    for told in (settings.read({}), settings.read(dict.fromkeys(ADDRESSES, ""))):
        assert (told.accounts_url, told.journal_url) == (None, None)


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        "https://ledger.example.com/",
        "https://ledger.example.com/accounts/",
        "https://ledger.example.com//accounts",
        "https://ledger.example.com/accounts?a=1",
        "https://ledger.example.com/accounts#a",
        "https://user@ledger.example.com/accounts",
        "https://ledger.example.com/accounts\n",
        " https://ledger.example.com/accounts",
        "http://ledger.example.com/accounts",
        "ledger.example.com/accounts",
        "/accounts",
        "https://",
    ],
)
def test_what_is_no_address_of_an_api_is_refused_with_an_example(name: str, address: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is an https address .*/accounts, not"):
        settings.read({name: address})


def run_in_the_project(
    command: list[str], home: Path, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    kept = {name: told for name, told in os.environ.items() if not name.startswith("TWOFOLD_")}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, "TWOFOLD_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **(environ or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", ["package out", "deploy --stage dev"])
def test_packaging_or_deploying_the_dev_stage_never_imports_the_embedded_stack(
    words: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", LOAD_THE_APP, *words.split()]

    done = run_in_the_project(command, tmp_path, CHALICE_CLI)

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nor_does_a_lambda_of_the_dev_stage(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOAD_THE_APP, "local"]

    done = run_in_the_project(
        command, tmp_path, {**CHALICE_CLI, "AWS_LAMBDA_FUNCTION_NAME": "twofold-dev"}
    )

    assert done.returncode == 0, done.stderr


def test_but_chalice_local_does(tmp_path: Path) -> None:
    done = run_in_the_project([sys.executable, "-c", LOAD_THE_APP, "local"], tmp_path, CHALICE_CLI)

    assert done.returncode != 0
    assert "chalicelib.local" in done.stderr.splitlines()[-1]


def test_a_command_that_reads_the_app_as_a_deployment_does_starts_no_engine(tmp_path: Path) -> None:
    chalice = str(Path(sys.executable).with_name("chalice"))

    done = run_in_the_project([chalice, "dev", "appgraph", "--stage", "dev"], tmp_path)

    assert done.returncode == 0, done.stderr
    assert "project_accounts" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("", ()),
        ("https://app.example.com", ("https://app.example.com",)),
        (
            "https://app.example.com:8443, http://localhost:5173,http://127.0.0.1:3000",
            ("https://app.example.com:8443", "http://localhost:5173", "http://127.0.0.1:3000"),
        ),
        ("http://localhost", ("http://localhost",)),
    ],
)
def test_pages_of_other_origins_are_named(given: str, origins: tuple[str, ...]) -> None:
    told = settings.read({"TWOFOLD_CORS_ORIGINS": given})

    assert (told.cors_origins, told.allowed_origins) == (origins, frozenset(origins))


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "app.example.com", "https://", "https://*.example.com"),
        *("http://app.example.com", "https://App.example.com", "https://app.example.com/"),
        *("https://app.example.com/page", "https://app.example.com:443", "http://localhost:80"),
        *("https://me@app.example.com", "https://app.example.com:0", "http://localhost.example"),
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="TWOFOLD_CORS_ORIGINS has origins as browsers send them"):
        settings.read({"TWOFOLD_CORS_ORIGINS": f"https://a.example.com,{origin}"})


def test_read_apis_of_two_origins_allow_each_other_and_those_of_one_need_not() -> None:
    accounts, journal = "https://A.example.com/v1", "https://b.example.com:8443/v1"
    both = {"TWOFOLD_ACCOUNTS_URL": accounts, "TWOFOLD_JOURNAL_URL": journal}
    for serves in ("accounts", "journal", "write,accounts,journal"):
        told = settings.read({**both, "TWOFOLD_SERVES": serves})
        assert told.allowed_origins == {"https://a.example.com", "https://b.example.com:8443"}

    writes = settings.read({**both, "TWOFOLD_SERVES": "write"})
    assert writes.allowed_origins == frozenset()
    one = {**both, "TWOFOLD_JOURNAL_URL": "https://a.example.com/journal"}
    assert settings.read(one).allowed_origins == frozenset()
    alone = {"TWOFOLD_ACCOUNTS_URL": accounts}
    assert settings.read(alone).allowed_origins == frozenset()
