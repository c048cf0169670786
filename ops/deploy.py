"""Deploy: an environment's stages, packaged by Chalice and brought up by CloudFormation in order.

Safe to repeat: a stage that is as it should be is left alone.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError, WaiterError

from ops.aws import account, client, home_region
from ops.stages import PROJECT, Stage, required, stages
from ops.trimming import trim

EVENTS_WORD = "delete-the-books"
"""What `destroy` must be told before it deletes the event table and its keys."""


@click.command()
@click.option("--environment", default="prod", show_default=True)
@click.option("--only", multiple=True, help="This stage and no other; may be repeated.")
def deploy(environment: str, only: tuple[str, ...]) -> None:
    """Brings up every stage of an environment, and says what lives where."""
    found = [stage for stage in _stages(environment) if not only or stage.name in only]
    addresses = {}
    for place, stage in enumerate(found, start=1):
        click.echo(f"[{place}/{len(found)}] {stage.name}: packaging")
        with tempfile.TemporaryDirectory() as out:
            package(stage, Path(out))
            click.echo(f"[{place}/{len(found)}] {stage.name}: deploying")
            addresses[stage.name] = bring_up(stage, Path(out))
    click.echo(f"\n{environment} is up:")
    for name, address in addresses.items():
        click.echo(f"  {name:<12} {address}")


@click.command()
@click.option("--environment", default="prod", show_default=True)
@click.option("--events", "word", default="", help=f"'{EVENTS_WORD}' deletes the books as well.")
def destroy(environment: str, word: str) -> None:
    """Takes every stage of an environment down; the event table and its keys only on request."""
    if word not in ("", EVENTS_WORD):
        raise click.ClickException(f"to delete the books as well, say --events {EVENTS_WORD}")
    for stage in reversed(_stages(environment)):
        click.echo(f"{stage.name}: taking down")
        take_down(stage, with_books=word == EVENTS_WORD)
    if not word:
        click.echo(
            f"kept: twofold-{environment}-events and twofold-{environment}-keys "
            f"(--events {EVENTS_WORD} deletes them)"
        )


def package(stage: Stage, out: Path) -> None:
    """Packages a stage into `out`: Chalice's template with ours laid over it, and trimmed code."""
    merged = out / "extras.json"
    merged.write_text(extras_of(stage))
    _run(
        [
            str(Path(sys.executable).with_name("chalice")),
            "package",
            "--stage",
            stage.name,
            "--template-format",
            "json",
            "--merge-template",
            str(merged),
            str(out),
        ],
        stage,
    )
    trim(out / "deployment.zip")


@click.command()
@click.pass_obj
def extras(stage: Stage | None) -> None:
    """Prints what is merged into the template that Chalice makes of a stage."""
    from ops import template  # Names the tables of the stage whose environment this process has.

    click.echo(json.dumps(template.extras(required(stage)), indent=2))


def extras_of(stage: Stage) -> str:
    """The template's extras, made by a process that has the stage's environment."""
    return _run([sys.executable, "-m", "ops", "--stage", stage.name, "extras"], stage)


def bring_up(stage: Stage, out: Path) -> str:
    """Uploads the code, creates or updates the stage's stack, and returns its address."""
    template = json.loads((out / "sam.json").read_text())
    code = (out / "deployment.zip").read_bytes()
    where = _upload(stage, f"{stage.name}/{hashlib.sha256(code).hexdigest()}.zip", code)
    for part in template["Resources"].values():
        if part["Type"] == "AWS::Serverless::Function":
            part["Properties"]["CodeUri"] = f"s3://{where['Bucket']}/{where['Key']}"
    formation = client("cloudformation", stage.region)
    request = {
        "StackName": stage.stack,
        # Without white space it stays below the 51,200 bytes that a request may carry.
        "TemplateBody": json.dumps(template, separators=(",", ":")),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": key, "Value": value} for key, value in stage.tags.items()],
    }
    if _exists(formation, stage.stack):
        try:
            formation.update_stack(**request)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        else:
            _wait(formation, "stack_update_complete", stage)
    else:
        formation.create_stack(**request)
        _wait(formation, "stack_create_complete", stage)
    return outputs(stage)["EndpointURL"]


def take_down(stage: Stage, *, with_books: bool) -> None:
    """Deletes the stage's stack, and its tables, the books' among them only if asked to."""
    formation = client("cloudformation", stage.region)
    dynamodb = client("dynamodb", stage.region)
    formation.delete_stack(StackName=stage.stack)
    _wait(formation, "stack_delete_complete", stage)
    for part in json.loads(extras_of(stage))["Resources"].values():
        if part.get("Type") not in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
            continue
        name = part["Properties"]["TableName"]
        if name.endswith(("-events", "-keys")) and not with_books:
            continue
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=name)
        dynamodb.get_waiter("table_not_exists").wait(TableName=name)


def outputs(stage: Stage) -> dict[str, str]:
    """What the stage's stack says of itself."""
    formation = client("cloudformation", stage.region)
    stack = formation.describe_stacks(StackName=stage.stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _stages(environment: str) -> list[Stage]:
    found = stages(environment)
    if not found:
        raise click.ClickException(f".chalice/config.json has no stage of {environment}")
    return found


def _run(command: list[str], stage: Stage) -> str:
    region = (
        {"AWS_DEFAULT_REGION": stage.region, "AWS_REGION": stage.region} if stage.region else {}
    )
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **stage.variables, **region},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _upload(stage: Stage, key: str, content: bytes) -> dict[str, str]:
    region = stage.region or home_region()
    bucket, storage = f"twofold-deployments-{account()}-{region}", client("s3", region)
    try:
        storage.head_bucket(Bucket=bucket)
    except ClientError:
        elsewhere = {} if region == "us-east-1" else {"LocationConstraint": region}
        storage.create_bucket(
            Bucket=bucket, **({"CreateBucketConfiguration": elsewhere} if elsewhere else {})
        )
    storage.put_object(Bucket=bucket, Key=key, Body=content)
    return {"Bucket": bucket, "Key": key}


def _exists(formation: Any, stack: str) -> bool:
    try:
        found = formation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError:
        return False
    return any(one["StackStatus"] != "DELETE_COMPLETE" for one in found)


def _wait(formation: Any, state: str, stage: Stage) -> None:
    try:
        formation.get_waiter(state).wait(
            StackName=stage.stack, WaiterConfig={"Delay": 2, "MaxAttempts": 900}
        )
    except WaiterError as error:
        events = formation.describe_stack_events(StackName=stage.stack)["StackEvents"]
        reasons = [
            f"  {event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if "FAILED" in event["ResourceStatus"] and "ResourceStatusReason" in event
        ]
        raise click.ClickException(f"{stage.name} failed\n" + "\n".join(reasons)) from error
