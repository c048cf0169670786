"""Packaged: the templates of every stage of every environment that the documents show."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from chalicelib.settings import settings
from ops import packaging
from ops.stages import PROJECT, Stage, stages
from tests.ops.forking import forking

EXAMPLES = PROJECT / "docs" / "examples" / "environments"
ENVIRONMENTS = ["prod", *sorted(path.stem for path in EXAMPLES.glob("*.json"))]
PSEUDO = {"AWS::Region": "eu-central-1", "AWS::Partition": "aws", "AWS::AccountId": "123456789012"}
GIVEN = {
    "CodeBucket": "twofold-deployments-123456789012-eu-central-1",
    "CodeKey": "prod/0000.zip",
    "EventsStream": "arn:aws:dynamodb:eu-central-1:123456789012:table/twofold-prod-events/stream/1",
}


@dataclass(frozen=True)
class Described:
    """A stage, and the template that is sent for it."""

    stage: Stage
    text: str

    @property
    def template(self) -> dict[str, Any]:
        """The template as an object of one's own."""
        return dict(json.loads(self.text))

    def expanded(self, template: dict[str, Any] | None = None) -> dict[str, Any]:
        """What AWS's own translator makes of it: the resources that CloudFormation creates."""
        return dict(json.loads(_translated(json.dumps(template) if template else self.text)))


@cache
def _translated(template: str) -> str:
    # Imported where a test uses it, since that takes a second.
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    with patch.dict(os.environ, AWS_DEFAULT_REGION=PSEUDO["AWS::Region"]):
        translator = Translator({}, Parser())
        return json.dumps(translator.translate(json.loads(template), {**PSEUDO, **GIVEN}))


def environment(name: str) -> list[Stage]:
    """The stages of an environment of the documents."""
    with patch.dict(os.environ, TWOFOLD_ENVIRONMENTS=str(EXAMPLES)):
        return stages(name)


@cache
def described(folder: Path) -> dict[str, list[Described]]:
    """Every environment's stages, packaged into a folder but for their code."""
    work = [stage for name in ENVIRONMENTS for stage in environment(name)]
    copy = packaging.Copy(work, folder, settings().home / "packages")
    with forking(folder) as process, patch.object(packaging, "run_ops", process.run_ops):
        made = [Described(stage, copy.template(stage).decode()) for stage in work]
    return {
        name: [each for each in made if each.stage.environment == name] for name in ENVIRONMENTS
    }
