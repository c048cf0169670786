"""Limits: the stages that `chalice deploy` cannot make."""

import json
import sys

import click

from ops.aws import home_region
from ops.stages import CONFIG, Stage


def check(stage: Stage) -> None:
    """Raises a click error for a stage that `chalice deploy` cannot make, or not from here."""
    running = f"python{sys.version_info.major}.{sys.version_info.minor}"
    instead = f"use `python -m ops deploy --environment {stage.environment}`"
    if running != stage.runtime:
        raise click.ClickException(
            f"{stage.name} runs on {stage.runtime} and this is {running}, which Chalice would take "
            f"instead: make .venv with {stage.runtime}, or {instead}"
        )
    if stage.replicas:
        raise click.ClickException(
            f"{stage.name} has copies of its tables in other regions, which Chalice cannot make: "
            f"{instead}"
        )
    if stage.region and stage.region != home_region():
        raise click.ClickException(
            f"{stage.name} lives in {stage.region}: set AWS_DEFAULT_REGION={stage.region}"
        )
    if json.loads(CONFIG.read_text())["stages"].get(stage.name) != stage.config:
        raise click.ClickException(
            f"environments/{stage.environment}.json describes {stage.name}, and Chalice reads "
            f".chalice/config.json alone: {instead}"
        )
