"""API: the settings of a REST API and its stage, gateway responses, and the check of a key's form.

Each `chalice deploy` overwrites the API's name, gateway responses and authorizers (PutRestApi). The
settings of the stage stay.
"""

from typing import Any

import click

from ops import logging_role
from ops.gateway import API_STAGE
from ops.tuning.handling import Handler, Properties, Target, only

_RESPONSES = "x-amazon-apigateway-gateway-responses"
_AUTHORIZER = "x-amazon-apigateway-authorizer"
_CHECK = "identityValidationExpression"

Operation = dict[str, str]
"""A patch operation of API Gateway's."""


def _tune(target: Target, _: str, properties: Properties) -> None:
    body = properties["DefinitionBody"]
    only("DefinitionBody", body, "info", "securityDefinitions", _RESPONSES)
    only("info", body["info"], "title")
    gateway, api = target.client("apigateway"), target.deployed.api
    gateway.update_rest_api(
        restApiId=api, patchOperations=[replaced("/name", str(properties["Name"]))]
    )
    arn = f"arn:{target.deployed.partition}:apigateway:{target.deployed.region}::/restapis/{api}"
    for tagged in (arn, f"{arn}/stages/{API_STAGE}"):
        gateway.tag_resource(resourceArn=tagged, tags=target.stage.tags)
    for kind, response in body[_RESPONSES].items():
        only(kind, response, "statusCode", "responseParameters", "responseTemplates")
        gateway.put_gateway_response(
            restApiId=api,
            responseType=kind,
            **{**response, "statusCode": str(response["statusCode"])},
        )
    for name, definition in body.get("securityDefinitions", {}).items():
        only(name, definition, _AUTHORIZER)
        only(name, definition[_AUTHORIZER], _CHECK)
        gateway.update_authorizer(
            restApiId=api,
            authorizerId=_authorizer(gateway, api, name),
            patchOperations=[replaced(f"/{_CHECK}", definition[_AUTHORIZER][_CHECK])],
        )
    # The changes take effect with a new deployment.
    gateway.create_deployment(restApiId=api, stageName=API_STAGE, description="ops tune")
    logging_role.ensure(target.client, target.deployed.partition)
    live = gateway.get_stage(restApiId=api, stageName=API_STAGE)
    gateway.update_stage(
        restApiId=api, stageName=API_STAGE, patchOperations=stage_operations(properties, live)
    )


def stage_operations(properties: Properties, live: dict[str, Any]) -> list[Operation]:
    """What changes the stage `live` to a template's settings, without other paths' throttling."""
    log = properties["AccessLogSetting"]
    only("AccessLogSetting", log, "DestinationArn", "Format")
    operations = [
        replaced("/tracingEnabled", str(properties["TracingEnabled"]).lower()),
        replaced("/accessLogSettings/destinationArn", log["DestinationArn"]),
        replaced("/accessLogSettings/format", log["Format"]),
    ]
    kept = set()
    for setting in properties["MethodSettings"]:
        limits = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
        only("MethodSettings", setting, "ResourcePath", "HttpMethod", *limits)
        where = f"{setting['ResourcePath']}/{setting['HttpMethod']}"
        kept.add(_plain(where))
        for limit, name in zip(limits, ("rateLimit", "burstLimit"), strict=True):
            operations.append(replaced(f"{where}/throttling/{name}", str(setting[limit])))
    for where in sorted(live.get("methodSettings", {})):
        if _plain(where) not in kept:
            path, _, method = where.rpartition("/")
            escaped = path if "~1" in path else path.replace("/", "~1")
            operations.append({"op": "remove", "path": f"/{escaped}/{method}"})
    return operations


def _plain(where: str) -> str:
    """A path and a method with unescaped slashes: `health/GET` for `~1health/GET`."""
    return where.replace("~1", "/").lstrip("/")


def replaced(path: str, value: str) -> Operation:
    """The patch operation that replaces a value."""
    return {"op": "replace", "path": path, "value": value}


def _authorizer(gateway: Any, api: str, name: str) -> str:
    # An API has at most ten.
    for each in gateway.get_authorizers(restApiId=api)["items"]:
        if each["name"] == name:
            return str(each["id"])
    raise click.ClickException(f"the API {api} has no authorizer {name}: deploy it again")


API = Handler(
    "Name DefinitionBody TracingEnabled MethodSettings AccessLogSetting",
    _tune,
    # Makes SAM create no second stage.
    elsewhere="OpenApiVersion",
)
