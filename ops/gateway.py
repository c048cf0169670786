"""Gateway: what API Gateway does for a stage besides calling its Lambdas.

Its own responses as the contract's problems, throttling, tracing, access logs, the check of a key's
form before the authorizer is invoked, and the custom domain.
"""

import json
from typing import Any

from chalicelib.http.auth import KEY_HEADER_PATTERN
from chalicelib.http.problems import Problem, outcome_unknown, unavailable
from chalicelib.read_models.read_model import group_named
from chalicelib.settings import WRITE
from ops.stages import Stage

API_STAGE = "v1"
"""The name of API Gateway's stage, as `.chalice/config.json` has it."""

RATE, BURST = 500, 1000
"""Requests per second and at once of a stage's API: far below the account's default quota of
10,000 and 5,000, which other APIs share."""

OPEN_RATE, OPEN_BURST = 10, 20
"""The same for each path without authentication, so that strangers cannot exhaust the Lambdas."""

CONSOLE_FILES = "/console/{file}"

PAGE_RATE, PAGE_BURST = 50, 200
"""The same for what a page asks many times: the console's files, and preflight requests."""

_PAGES = ("/docs", "/docs/scalar.js", "/openapi.json", "/console", CONSOLE_FILES)
OPEN_PATHS = ("/health", "/problems/{code}", *_PAGES)

GATEWAY_ANSWERS = {
    "MISSING_AUTHENTICATION_TOKEN": Problem("not_found", "there is no such path"),
    "RESOURCE_NOT_FOUND": Problem("not_found", "there is no such path"),
    "UNAUTHORIZED": Problem("unauthorized", "this needs a valid key"),
    "ACCESS_DENIED": Problem("unauthorized", "this needs a valid key"),
    "INVALID_SIGNATURE": Problem("unauthorized", "the signature is not valid"),
    "EXPIRED_TOKEN": Problem("unauthorized", "the token has expired"),
    "UNSUPPORTED_MEDIA_TYPE": Problem("unsupported_media_type", "send application/json"),
    "REQUEST_TOO_LARGE": Problem("request_too_large", "a body is at most 262144 bytes"),
    "THROTTLED": Problem("rate_limited", "too many requests", retry_after=1),
}
"""API Gateway's own responses, by type, as the contract's problems."""

_AUTHORIZER_FAILED = ("AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR")
_DEFAULT = "DEFAULT_5XX"
_LAMBDA_FAILED = ("INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", _DEFAULT)

ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "caller": "$context.authorizer.principalId",
    "error": "$context.error.responseType",
    "latency": "$context.responseLatency",
}
"""A line of the access log. No header, so no key."""


def rest_api(stage: Stage) -> dict[str, Any]:
    """What is merged into the API that Chalice describes."""
    return {
        "Properties": {
            "Name": stage.stack,
            # Without it SAM makes a second public stage, "Stage", with none of these settings:
            # github.com/aws/serverless-application-model/issues/191
            "OpenApiVersion": "2.0",
            "TracingEnabled": True,
            "MethodSettings": throttling(stage),
            "AccessLogSetting": {
                "DestinationArn": {"Fn::GetAtt": ["AccessLogGroup", "Arn"]},
                "Format": json.dumps(ACCESS_LOG),
            },
            "DefinitionBody": {
                "info": {"title": stage.stack},
                # In the body, since SAM's deployment is made of the body alone, and importing a
                # body drops gateway responses that stand beside it.
                "x-amazon-apigateway-gateway-responses": gateway_responses(stage),
                **_security(stage),
            },
        }
    }


def without_surplus(body: dict[str, Any]) -> dict[str, Any]:
    """Chalice's description of an API, without what a Lambda proxy does not use.

    The rest equals what SAM makes of a function's route. It makes a template small enough for a
    plan to send it without a bucket.
    """
    paths = {
        path: {name: _of_proxy(method) for name, method in methods.items()}
        for path, methods in body["paths"].items()
    }
    kept = {name: section for name, section in body.items() if name != "definitions"}
    return {**kept, "paths": paths}


def _of_proxy(method: dict[str, Any]) -> dict[str, Any]:
    """A method that passes everything on to the function."""
    integration = dict(method["x-amazon-apigateway-integration"])
    for surplus in ("responses", "passthroughBehavior", "contentHandling"):
        integration.pop(surplus, None)
    secured = {"security": method["security"]} if "security" in method else {}
    return {**secured, "responses": {}, "x-amazon-apigateway-integration": integration}


def access_log_group(stage: Stage) -> dict[str, Any]:
    """The log group of the access log."""
    key = {"KmsKeyId": stage.kms_key} if stage.kms_key else {}
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": f"/aws/apigateway/{stage.stack}",
            "RetentionInDays": stage.log_retention_days,
            **key,
        },
    }


def throttling(stage: Stage) -> list[dict[str, Any]]:
    """The limits of requests: of the whole API, and of each path without authentication."""
    names = ("ResourcePath", "HttpMethod", "ThrottlingRateLimit", "ThrottlingBurstLimit")
    rate = int(stage.variables.get("TWOFOLD_RATE", RATE))
    burst = int(stage.variables.get("TWOFOLD_BURST", BURST))
    opened = [(path, method) for path in open_paths(stage) for method in ("GET", "HEAD")]
    opened += [(path, "OPTIONS") for path in preflights(stage)]
    limits = [
        (f"/{path.replace('/', '~1')}", method, min(each_rate, rate), min(each_burst, burst))
        for path, method in opened
        for each_rate, each_burst in [_open_limits(path, method)]
    ]
    return [dict(zip(names, each, strict=True)) for each in (("/*", "*", rate, burst), *limits)]


def _open_limits(path: str, method: str) -> tuple[int, int]:
    asked_by_pages = path == CONSOLE_FILES or method == "OPTIONS"
    return (PAGE_RATE, PAGE_BURST) if asked_by_pages else (OPEN_RATE, OPEN_BURST)


def open_paths(stage: Stage) -> tuple[str, ...]:
    """The paths without authentication. The write stage does not serve the documentation."""
    return OPEN_PATHS[:2] if stage.serves == (WRITE,) else OPEN_PATHS


def preflights(stage: Stage) -> list[str]:
    """The paths whose preflight requests a stage answers: those with a key, if it has CORS."""
    if not stage.settings.allowed_origins:
        return []
    routers = [router for group in stage.groups for router in group_named(group).routes]
    if WRITE in stage.serves:
        from chalicelib.commands.routes import routes  # Here, since few commands need it.

        routers.append(routes)
    return sorted({each.path for router in routers for each in router.declared if each.scope})


def gateway_responses(stage: Stage) -> dict[str, Any]:
    """API Gateway's own responses, as its OpenAPI extension describes them.

    Types of 5xx that are left out get the response of `DEFAULT_5XX`, so those that equal it are:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """
    cors = bool(stage.settings.allowed_origins)
    found = {name: _response(problem, cors=cors) for name, problem in answers(stage).items()}
    default = found.pop(_DEFAULT)
    return {_DEFAULT: default} | {name: each for name, each in found.items() if each != default}


def answers(stage: Stage) -> dict[str, Problem]:
    """The problem of each type of API Gateway's own responses.

    A Lambda that failed, timed out or was throttled may have written before, so a stage that writes
    responds that the outcome is unknown.
    """
    failed = outcome_unknown() if WRITE in stage.serves else unavailable()
    return {
        **GATEWAY_ANSWERS,
        **dict.fromkeys(_AUTHORIZER_FAILED, unavailable()),
        **dict.fromkeys(_LAMBDA_FAILED, failed),
    }


def _response(problem: Problem, *, cors: bool) -> dict[str, Any]:
    """A response of API Gateway. Its headers are constants, so with CORS any origin may read it:
    it says the same to everybody, and nothing of a ledger.
    """
    headers = dict(problem.headers)
    if cors:
        headers["Access-Control-Allow-Origin"] = "*"
        if problem.retry_after is not None:
            headers["Access-Control-Expose-Headers"] = "Retry-After"
    return {
        "statusCode": problem.status,
        "responseParameters": {f"gatewayresponse.header.{k}": f"'{v}'" for k, v in headers.items()},
        "responseTemplates": {"application/json": problem.body()},
    }


def _security(stage: Stage) -> dict[str, Any]:
    """A header that cannot be a key is refused before the authorizer is invoked."""
    if stage.auth != "keys":
        return {}
    check = {"identityValidationExpression": KEY_HEADER_PATTERN}
    return {"securityDefinitions": {"authorize": {"x-amazon-apigateway-authorizer": check}}}


def domain(stage: Stage) -> dict[str, Any]:
    """The resources of the custom domain: its name with the write stage, a base path for each."""
    if stage.domain is None:
        return {}
    resources: dict[str, Any] = {
        "BasePathMapping": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            "Properties": {
                "DomainName": stage.domain,
                "BasePath": stage.base_path,
                "RestApiId": {"Ref": "RestAPI"},
                "Stage": {"Ref": "RestAPI.Stage"},
            },
        }
    }
    if WRITE in stage.serves:
        resources["DomainName"] = {
            "Type": "AWS::ApiGateway::DomainName",
            "Properties": {
                "DomainName": stage.domain,
                "RegionalCertificateArn": stage.variables["TWOFOLD_CERTIFICATE"],
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "SecurityPolicy": "TLS_1_2",
            },
        }
        resources["BasePathMapping"]["DependsOn"] = ["DomainName"]
    return resources


def domain_outputs(stage: Stage) -> dict[str, Any]:
    """The custom domain's name, which `deploy` compares, and the target of its DNS record."""
    if stage.domain is None or WRITE not in stage.serves:
        return {}
    return {
        "Domain": {"Value": stage.domain},
        "DomainTarget": {"Value": {"Fn::GetAtt": ["DomainName", "RegionalDomainName"]}},
        "DomainTargetZone": {"Value": {"Fn::GetAtt": ["DomainName", "RegionalHostedZoneId"]}},
    }
