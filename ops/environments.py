"""Environments: each environment's stages as entries for Chalice.

`.chalice/config.json` has the stages of production. A file `environments/{name}.json` changes them
(`prod.json`), or makes the stages of another environment after their pattern. Each file is checked
against `ops/environment.schema.json`.
"""

import json
import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from chalicelib import settings as of_process
from chalicelib.settings import ACCOUNTS, JOURNAL, WRITE
from ops import copies

PROJECT = Path(__file__).resolve().parents[1]
CONFIG = PROJECT / ".chalice" / "config.json"
FOLDER = PROJECT / "environments"
SCHEMA = Path(__file__).with_name("environment.schema.json")

PATTERN = "prod"
"""The environment whose stages are the pattern of all others."""

_VARIABLES = {
    "region": "TWOFOLD_REGION",
    "runtime": "TWOFOLD_RUNTIME",
    "auth": "TWOFOLD_AUTH",
    "user_pool": "TWOFOLD_USER_POOL_ARN",
    "blue_green": "TWOFOLD_GENERATIONS",
    "strong_reads": "TWOFOLD_STRONG_READS",
    "replicas": "TWOFOLD_REPLICAS",
    "alarm_topic": "TWOFOLD_ALARM_TOPIC",
    "kms_key": "TWOFOLD_KMS_KEY",
    "permissions_boundary": "TWOFOLD_PERMISSIONS_BOUNDARY",
    "checkpoint_bucket": "TWOFOLD_CHECKPOINT_BUCKET",
    "cors_origins": "TWOFOLD_CORS_ORIGINS",
}
_ADDRESSES = {ACCOUNTS: "TWOFOLD_ACCOUNTS_URL", JOURNAL: "TWOFOLD_JOURNAL_URL"}
"""Which every stage has: for the `Location` of a write, and for pages that call both Read APIs."""
_OF_LAMBDA = {
    "memory": "lambda_memory_size",
    "timeout": "lambda_timeout",
    "reserved_concurrency": "reserved_concurrency",
}
_OF_STAGE = {"replica": "TWOFOLD_REPLICA", "projects": "TWOFOLD_PROJECTS"}

KNOWN = {
    *_VARIABLES.values(),
    *_OF_STAGE.values(),
    *_ADDRESSES.values(),
    "TWOFOLD_ENVIRONMENT",
    "TWOFOLD_SERVES",
    "TWOFOLD_KINESIS_STREAM",
    "TWOFOLD_DOMAIN",
    "TWOFOLD_CERTIFICATE",
    "TWOFOLD_RATE",
    "TWOFOLD_BURST",
}
"""The variables that a deployed stage may have."""

Entry = dict[str, Any]


def events_table(environment: str) -> str:
    """The name of an environment's event table, and of the Kinesis stream of its changes."""
    return f"twofold-{environment}-events"


def entries(config: Path = CONFIG) -> dict[str, Entry]:
    """The entry of each deployable stage, by its name. Raises a click error for a wrong setting."""
    found = {
        name: entry
        for name, entry in json.loads(config.read_text())["stages"].items()
        if "TWOFOLD_EMBEDDED" not in entry["environment_variables"]
    }
    pattern = {
        name: deepcopy(entry) for name, entry in found.items() if _environment(entry) == PATTERN
    }
    for path in sorted(_folder(config).glob("*.json")):
        found |= _overlaid(path, pattern, found)
    for name, entry in found.items():
        _check(name, entry["environment_variables"])
    return found


def _folder(config: Path) -> Path:
    """The folder of the environments' files: that of the project, or of the variable."""
    named = os.environ.get("TWOFOLD_ENVIRONMENTS")
    return Path(named) if named else config.resolve().parents[1] / FOLDER.name


def _overlaid(path: Path, pattern: dict[str, Entry], found: dict[str, Entry]) -> dict[str, Entry]:
    """The entries that an environment's file makes or changes."""
    environment, settings = path.stem, read(path)
    try:
        copies.check(settings)
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None
    own = {name: deepcopy(e) for name, e in found.items() if _environment(e) == environment}
    if not own:
        own = {_name(environment, name): deepcopy(entry) for name, entry in pattern.items()}
    for name, extra in settings.get("stages", {}).items():
        like = next(each for each in pattern.values() if _serves(each) == [extra["serves"]])
        own[_name(environment, name)] = deepcopy(like)
        variables = own[_name(environment, name)]["environment_variables"]
        variables |= {_OF_STAGE[key]: _text(extra[key]) for key in _OF_STAGE if key in extra}
    for entry in own.values():
        _apply(environment, settings, entry)
    for name, extra in settings.get("stages", {}).items():
        variables = own[_name(environment, name)]["environment_variables"]
        if "region" in extra:
            variables["TWOFOLD_REGION"] = extra["region"]
            _move(variables, extra)
        if "replica" in extra:
            variables["TWOFOLD_KINESIS_STREAM"] = events_table(environment)
    return own


def _move(variables: dict[str, str], extra: Entry) -> None:
    """Removes what exists in the environment's own region only: domain, addresses, event table."""
    if extra.get("projects", True):
        return
    own = ("TWOFOLD_DOMAIN", "TWOFOLD_CERTIFICATE", "TWOFOLD_STRONG_READS", *_ADDRESSES.values())
    for name in own:
        variables.pop(name, None)
    if "alarm_topic" in extra:
        variables["TWOFOLD_ALARM_TOPIC"] = extra["alarm_topic"]
    if "TWOFOLD_KMS_KEY" in variables:
        variables["TWOFOLD_KMS_KEY"] = copies.key_in(variables["TWOFOLD_KMS_KEY"], extra["region"])


def read(path: Path) -> dict[str, Any]:
    """An environment's file. Raises a click error that names the file and what is wrong."""
    try:
        settings = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise click.ClickException(
            f"{path}: not JSON: {error.msg} in line {error.lineno}"
        ) from None
    wrong = best_match(Draft202012Validator(json.loads(SCHEMA.read_text())).iter_errors(settings))
    if wrong is not None:
        where = ".".join(map(str, wrong.absolute_path))
        raise click.ClickException(f"{path}: {f'{where}: ' if where else ''}{wrong.message}")
    assert isinstance(settings, dict)
    return settings


def _apply(environment: str, settings: dict[str, Any], entry: Entry) -> None:
    variables, writes = entry["environment_variables"], _serves(entry) == [WRITE]
    variables["TWOFOLD_ENVIRONMENT"] = environment
    variables |= {_VARIABLES[key]: _text(settings[key]) for key in _VARIABLES if key in settings}
    if writes and settings.get("kinesis"):
        variables["TWOFOLD_KINESIS_STREAM"] = events_table(environment)
    if "throttle" in settings:
        variables["TWOFOLD_RATE"] = str(settings["throttle"]["rate"])
        variables["TWOFOLD_BURST"] = str(settings["throttle"]["burst"])
    if "domain" in settings:
        root = f"https://{settings['domain']['name']}"
        variables["TWOFOLD_DOMAIN"] = settings["domain"]["name"]
        variables["TWOFOLD_CERTIFICATE"] = settings["domain"]["certificate"]
        variables |= {variable: f"{root}/{api}" for api, variable in _ADDRESSES.items()}
    addresses = settings.get("addresses", {})
    variables |= {_ADDRESSES[api]: address for api, address in addresses.items()}
    if "architecture" in settings:
        entry["lambda_architecture"] = settings["architecture"]
    if "log_retention_days" in settings:
        entry["log_retention_in_days"] = settings["log_retention_days"]
    for name, size in settings.get("lambdas", {}).items():
        if name in entry["lambda_functions"]:
            entry["lambda_functions"][name] |= {_OF_LAMBDA[key]: size[key] for key in size}


def _check(name: str, variables: dict[str, str]) -> None:
    """Raises a click error for an unknown variable or a wrong value."""
    unknown = {each for each in variables if each.startswith("TWOFOLD_")} - KNOWN
    if unknown:
        raise click.ClickException(f"stage {name}: no such setting: {', '.join(sorted(unknown))}")
    events = events_table(variables["TWOFOLD_ENVIRONMENT"])
    stream = variables.get("TWOFOLD_KINESIS_STREAM")
    if stream and stream != events:
        raise click.ClickException(
            f"stage {name}: TWOFOLD_KINESIS_STREAM can only be {events}, which the policies allow"
        )
    if variables.get("TWOFOLD_DOMAIN") and not variables.get("TWOFOLD_CERTIFICATE"):
        raise click.ClickException(f"stage {name}: TWOFOLD_DOMAIN needs TWOFOLD_CERTIFICATE")
    try:
        of_process.read(variables)
    except ValueError as error:
        raise click.ClickException(f"stage {name}: {error}") from None
    if variables.get("TWOFOLD_AUTH") == "none":
        raise click.ClickException(
            f"stage {name}: TWOFOLD_AUTH=none is for a laptop; deploy with keys, iam or cognito"
        )


def _name(environment: str, stage: str) -> str:
    return stage if environment == PATTERN else f"{environment}-{stage}"


def _environment(entry: Entry) -> str:
    return str(entry["environment_variables"]["TWOFOLD_ENVIRONMENT"])


def _serves(entry: Entry) -> list[str]:
    return str(entry["environment_variables"]["TWOFOLD_SERVES"]).split(",")


def _text(value: Any) -> str:
    """A setting as the value of a variable."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(value) if isinstance(value, list) else str(value)
