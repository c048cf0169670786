"""API: the settings of a REST API and its stage, gateway responses, and the check of a key's form.

Each `chalice deploy` replaces the API's description (PutRestApi, mode overwrite): its name, gateway
responses and authorizers are then Chalice's again. A stage's settings stay.
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
        restApiId=api, patchOperations=[_replaced("/name", str(properties["Name"]))]
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
            patchOperations=[_replaced(f"/{_CHECK}", definition[_AUTHORIZER][_CHECK])],
        )
    # A stage serves what was deployed, so what has been changed is deployed once more.
    gateway.create_deployment(restApiId=api, stageName=API_STAGE, description="ops tune")
    logging_role.ensure(target.client, target.deployed.partition)
    live = gateway.get_stage(restApiId=api, stageName=API_STAGE)
    gateway.update_stage(
        restApiId=api, stageName=API_STAGE, patchOperations=stage_operations(properties, live)
    )


def stage_operations(properties: Properties, live: dict[str, Any]) -> list[Operation]:
    """What makes the stage `live` as a template's API says, throttling of other paths removed."""
    log = properties["AccessLogSetting"]
    only("AccessLogSetting", log, "DestinationArn", "Format")
    operations = [
        _replaced("/tracingEnabled", str(properties["TracingEnabled"]).lower()),
        _replaced("/accessLogSettings/destinationArn", log["DestinationArn"]),
        _replaced("/accessLogSettings/format", log["Format"]),
    ]
    kept = set()
    for setting in properties["MethodSettings"]:
        limits = ("ThrottlingRateLimit", "ThrottlingBurstLimit")
        only("MethodSettings", setting, "ResourcePath", "HttpMethod", *limits)
        where = f"{setting['ResourcePath']}/{setting['HttpMethod']}"
        kept.add(_plain(where))
        for limit, name in zip(limits, ("rateLimit", "burstLimit"), strict=True):
            operations.append(_replaced(f"{where}/throttling/{name}", str(setting[limit])))
    for place in sorted(live.get("methodSettings", {})):
        if _plain(place) not in kept:
            path, _, method = place.rpartition("/")
            escaped = path if "~1" in path else path.replace("/", "~1")
            operations.append({"op": "remove", "path": f"/{escaped}/{method}"})
    return operations


def _plain(place: str) -> str:
    """A path and a method, however a slash is written: `~1health/GET` is `health/GET`."""
    return place.replace("~1", "/").lstrip("/")


def _replaced(path: str, value: str) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def _authorizer(gateway: Any, api: str, name: str) -> str:
    # An API has at most ten.
    for each in gateway.get_authorizers(restApiId=api)["items"]:
        if each["name"] == name:
            return str(each["id"])
    raise click.ClickException(f"the API {api} has no authorizer {name}: deploy it again")


API = Handler(
    frozenset({"Name", "DefinitionBody", "TracingEnabled", "MethodSettings", "AccessLogSetting"}),
    _tune,
    # Says to SAM that it is to make no second stage.
    elsewhere=frozenset({"OpenApiVersion"}),
)
