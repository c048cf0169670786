"""Resolving: the values of a template's references for a deployed stage.

Knows the intrinsic functions that our templates use: Ref, Fn::GetAtt, Fn::Sub, Fn::If and
Fn::Equals (CloudFormation User Guide, "Intrinsic function reference").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from ops.gateway import API_STAGE
from ops.tuning.deployed import Deployed


class Unknown(click.ClickException):
    """A type, a property or a reference of a template that `tune` does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(f"`tune` does not know {what}; `twofold deploy` does")


@dataclass(frozen=True)
class Resolver:
    """Resolves the values of a template.

    `parameters` are the values of its parameters, `functions` the names of the stage's Lambdas by
    their logical ids.
    """

    template: Mapping[str, Any]
    deployed: Deployed
    parameters: Mapping[str, str]
    functions: Mapping[str, str]

    def resolve(self, value: Any) -> Any:
        """A value without references. Raises Unknown for a reference that it does not know."""
        if isinstance(value, list):
            return [self.resolve(each) for each in value]
        if not isinstance(value, dict):
            return value
        match list(value.items()):
            case [("Ref", str(name))]:
                return self._ref(name)
            case [("Fn::GetAtt", [str(name), str(attribute)])]:
                return self._attribute(name, attribute)
            case [("Fn::Sub", str(text))]:
                return re.sub(r"\$\{([^}!]+)\}", lambda found: self._sub(found.group(1)), text)
            case [("Fn::If", [str(condition), true, false])]:
                return self.resolve(true if self._holds(condition) else false)
            case [(str(name), _)] if name.startswith("Fn::"):
                raise Unknown(name)
        return {name: self.resolve(each) for name, each in value.items()}

    def _holds(self, condition: str) -> bool:
        match self.template.get("Conditions", {}).get(condition):
            case {"Fn::Equals": [left, right]}:
                return bool(self.resolve(left) == self.resolve(right))
        raise Unknown(f"the condition {condition}")

    def _ref(self, name: str) -> str:
        pseudo = {
            "AWS::Region": self.deployed.region,
            "AWS::AccountId": self.deployed.account,
            "AWS::Partition": self.deployed.partition,
            "RestAPI": self.deployed.api,
            "RestAPI.Stage": API_STAGE,
        }
        for known in (pseudo, self.parameters, self.functions):
            if name in known:
                return known[name]
        raise Unknown(f"a reference to {name}")

    def _attribute(self, name: str, attribute: str) -> str:
        if name in self.functions and attribute == "Arn":
            return self.deployed.arn("lambda", f"function:{self.functions[name]}")
        part = self.template["Resources"].get(name, {})
        properties = part.get("Properties", {})
        match part.get("Type"), attribute:
            case "AWS::SQS::Queue", "Arn":
                return self.deployed.arn("sqs", properties["QueueName"])
            case "AWS::SQS::Queue", "QueueName":
                return str(properties["QueueName"])
            case "AWS::Logs::LogGroup", "Arn":
                # CloudFormation's ends in ":*", which API Gateway does not take of a caller.
                return self.deployed.arn(
                    "logs", f"log-group:{self.resolve(properties['LogGroupName'])}"
                )
            case "AWS::Kinesis::Stream", "Arn":
                return self.deployed.arn("kinesis", f"stream/{properties['Name']}")
        raise Unknown(f"{attribute} of {name}")

    def _sub(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        if attribute and name != "RestAPI.Stage":
            return self._attribute(resource, attribute)
        return self._ref(name)
