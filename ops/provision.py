"""Provision: what a stage needs before `chalice deploy`: its tables, its stream and its code.

Safe to repeat: existing tables are kept, with their settings applied again.
"""

import compileall
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from chalice.deploy.packager import DependencyBuilder, LambdaDeploymentPackager
from chalice.utils import UI, OSUtils

from chalicelib.settings import PROVISIONED
from ops import cognito, cursor_key, packaging
from ops.answers import counted, dry_run
from ops.aws import client, home_region
from ops.deploy import EVENTS_WORD
from ops.deploying.adoption import described, events_stream
from ops.deploying.takedown import Takedown
from ops.schema import definition, expiry_of
from ops.stages import PROJECT, Stage, required
from ops.template import first_tables, tables_of
from ops.tuning.deployed import check_limits, record
from ops.tuning.monitoring import delete_lambda_logs


@click.command()
@click.option(
    "--remove", is_flag=True, help="Deletes its read tables and logs: after `chalice delete`."
)
@click.option("--events", "word", default="", help=f"'{EVENTS_WORD}' deletes the books as well.")
@dry_run()
@click.pass_obj
def provision(stage: Stage | None, remove: bool, word: str, dry_run: bool) -> None:
    """Prepares a stage for `chalice deploy`: its tables, the event table's stream, the code."""
    stage = required(stage)
    check_limits(stage)
    if word and (word != EVENTS_WORD or not remove):
        raise click.UsageError(f"to delete the books as well: --remove --events {EVENTS_WORD}")
    if remove:
        taken_down(stage, with_books=bool(word), dry_run=dry_run)
        return
    if stage.user_pool:
        cognito.check(stage.user_pool)
    dynamodb = client("dynamodb")
    with first_tables():
        wanted = [
            (definition(model, stage.tags, stage.kms_key), expiry_of(model))
            for model in tables_of(stage)
        ]
    if dry_run:
        names = [str(parameters["TableName"]) for parameters, _ in wanted]
        for line in would_make(dynamodb, names):
            click.echo(line)
        return
    for parameters, expiry in wanted:
        click.echo(f"table: {make(dynamodb, parameters, expiry)}")
    if cursor_key.ensure(dynamodb, stage.environment):
        click.echo("key of cursors: made")
    stream = events_stream(dynamodb, stage.environment)
    if stream is None:
        raise click.ClickException(
            f"there is no table {stage.events_table}: provision the stage that writes first"
        )
    remember(stage.environment, stream)
    click.echo(f"stream: {stream}")
    click.echo(f"code: {prepared(stage).relative_to(PROJECT)}")
    click.echo(f"next: chalice deploy --stage {stage.name}")


def would_make(dynamodb: Any, names: Sequence[str]) -> Iterator[str]:
    """What `provision` would do with tables of these names; changes nothing."""
    existing = [name for name in names if described(dynamodb, name) is not None]
    for name in names:
        yield f"{'exists' if name in existing else 'would be made'}: the table {name}"
    yield (
        f"{counted(len(names) - len(existing), 'table')} would be made, and the settings of "
        f"{counted(len(existing), 'table')} be applied again"
    )


def taken_down(stage: Stage, *, with_books: bool, dry_run: bool) -> None:
    """Deletes the tables of a stage, the books only if asked to, and its Lambdas' log groups.

    A dry run only says so. Raises a click error while Chalice has it deployed.
    """
    if record(stage):
        raise click.ClickException(
            f"{stage.name} is deployed: run `chalice delete --stage {stage.name}` first"
        )
    down = Takedown(stage, home_region(), client, with_books=with_books, with_copies=False)
    for line in down.plan() if dry_run else down.run():
        click.echo(line)
    for line in () if dry_run else delete_lambda_logs(client("logs"), stage):
        click.echo(line)


def make(dynamodb: Any, parameters: dict[str, Any], expiry: str | None = None) -> str:
    """Makes a table unless it exists, with point-in-time recovery and protected; its name.

    DynamoDB deletes its items at the time of the attribute `expiry`.
    """
    name = str(parameters["TableName"])
    with suppress(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(**parameters)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    live = dynamodb.describe_table(TableName=name)["Table"]
    if not live.get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    dynamodb.tag_resource(ResourceArn=live["TableArn"], Tags=parameters["Tags"])
    dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    if expiry is not None:
        found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] in ("DISABLED", "DISABLING"):
            wanted = {"AttributeName": expiry, "Enabled": True}
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)
    return name


def remember(environment: str, stream: str, path: Path = PROVISIONED) -> None:
    """Writes an environment's stream to the file that the app reads while Chalice deploys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    streams = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**streams, environment: stream}, indent=2) + "\n")


def prepared(stage: Stage) -> Path:
    """The code that `chalice deploy` will upload: the same zip that `ops package` makes.

    Chalice uploads an existing package that has the name of its own, which it derives from
    `requirements.txt` and the app's files, including the compiled ones.
    """
    # Chalice compiles them before it derives the name.
    compileall.compile_dir(PROJECT / "chalicelib", quiet=2)
    files = OSUtils()
    packager = LambdaDeploymentPackager(files, DependencyBuilder(files), UI(), stage.architecture)
    path = Path(packager.deployment_package_filename(str(PROJECT), stage.runtime))
    if not is_ours(path):
        with tempfile.TemporaryDirectory() as out:
            (made,) = packaging.package_stages([stage], Path(out))
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(made.code, path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
    return path


def is_ours(path: Path) -> bool:
    """Whether a package is made by `ops package`, which compiles the app, and not by Chalice."""
    if not path.exists():
        return False
    with zipfile.ZipFile(path) as packed:
        return any(name.startswith("__pycache__/app.") for name in packed.namelist())
