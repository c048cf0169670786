"""API: the settings of a REST API, its stage and its custom domain.

Each `chalice deploy` overwrites the API's name, gateway responses and authorizers (PutRestApi). The
settings of the stage stay.
"""

from typing import Any

import click

from ops import logging_role
from ops.aws import none_on
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
    for where in sorted(live.get("methodSettings", {})):
        if _plain(where) not in kept:
            path, _, method = where.rpartition("/")
            escaped = path if "~1" in path else path.replace("/", "~1")
            operations.append({"op": "remove", "path": f"/{escaped}/{method}"})
    return operations


def _plain(where: str) -> str:
    """A path and a method with unescaped slashes: `health/GET` for `~1health/GET`."""
    return where.replace("~1", "/").lstrip("/")


def _replaced(path: str, value: str) -> Operation:
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

_MISSING = "NotFoundException"


def _make_domain(target: Target, _: str, properties: Properties) -> None:
    only("EndpointConfiguration", properties["EndpointConfiguration"], "Types")
    gateway, name = target.client("apigateway"), properties["DomainName"]
    if none_on(_MISSING, gateway.get_domain_name, domainName=name) is None:
        gateway.create_domain_name(
            domainName=name,
            regionalCertificateArn=properties["RegionalCertificateArn"],
            endpointConfiguration={"types": properties["EndpointConfiguration"]["Types"]},
            securityPolicy=properties["SecurityPolicy"],
        )
        return
    gateway.update_domain_name(
        domainName=name,
        patchOperations=[
            _replaced("/regionalCertificateArn", properties["RegionalCertificateArn"]),
            _replaced("/securityPolicy", properties["SecurityPolicy"]),
        ],
    )


def _delete_domain(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    none_on(_MISSING, gateway.delete_domain_name, domainName=properties["DomainName"])


def _map(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    path = {"domainName": properties["DomainName"], "basePath": properties["BasePath"]}
    wanted = {"restApiId": properties["RestApiId"], "stage": properties["Stage"]}
    live = none_on(_MISSING, gateway.get_base_path_mapping, **path)
    if live is not None and live["restApiId"] != wanted["restApiId"]:
        # The API was deployed again and has a new id.
        gateway.delete_base_path_mapping(**path)
        live = None
    if live is None:
        gateway.create_base_path_mapping(**path, **wanted)


def _unmap(target: Target, _: str, properties: Properties) -> None:
    delete = target.client("apigateway").delete_base_path_mapping
    path = {"domainName": properties["DomainName"], "basePath": properties["BasePath"]}
    none_on(_MISSING, delete, **path)


DOMAIN = Handler(
    "DomainName RegionalCertificateArn EndpointConfiguration SecurityPolicy",
    _make_domain,
    _delete_domain,
)
MAPPING = Handler("DomainName BasePath RestApiId Stage", _map, _unmap)
