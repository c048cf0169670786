"""Emulator: ministack, with what it lacks for APIs made from a description and for our templates.

Run as a script in place of `python -m ministack`. For tests only. What ministack 1.5.33 does, and
what AWS documents:

1. ImportRestApi (`POST /restapis?mode=import`) makes an API without a route, and PutRestApi
   (`PUT /restapis/{id}`) is unknown. `chalice deploy` uses both. On AWS the first makes all that
   the description says, and with `mode=overwrite` the second replaces it, "without changing its
   endpoint configuration, as well as stages and stage variables"
   (API Gateway Developer Guide, "Import an OpenAPI file to update an existing API definition").
2. An import, also CloudFormation's of a Body, ignores `x-amazon-apigateway-gateway-responses`,
   `x-amazon-apigateway-binary-media-types` and `x-amazon-apigateway-minimum-compression-size`
   (Developer Guide, "OpenAPI extensions for API Gateway").
3. CreateDeployment ignores `tracingEnabled` (API reference, CreateDeployment).
4. A Lambda is Pending for half a second after each change, and Chalice's waiter looks again only
   after five. Here it is ready at once, so that the tests need not wait.
5. CloudFormation passes over a stage's AccessLogSetting, an API's EndpointConfiguration, and a
   table's SSESpecification and PointInTimeRecoverySpecification (CloudFormation User Guide,
   "Resource and property types reference").
6. IAM does not know which resource some requests are about (CreateFunction, a table's TagResource)
   and refuses them unless a policy allows them on every resource. Here only the action counts then.
   A rule of the default event bus has the bus in its ARN, which on AWS only others have (Service
   Authorization Reference, "Amazon EventBridge").
7. A table can be restored to the present second alone. On AWS `EarliestRestorableDateTime` is when
   recovery was switched on, at most 35 days ago (DynamoDB API reference,
   PointInTimeRecoveryDescription); here it is when the table was made.
8. A Lambda has a process for each request at a time, such as for the files of a page, and a start
   takes a second of a processor. Here it has two at most, for which further requests wait.

Each Lambda's process gets the package unpacked into a folder of its own, which is half of all that
ministack does in these tests. Here equal packages are unpacked once.
"""

import hashlib
import json
import os
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1, dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
BINARY_TYPES = "x-amazon-apigateway-binary-media-types"
COMPRESSION = "x-amazon-apigateway-minimum-compression-size"

PROCESSES = 2
"""Of a Lambda, at most."""

_import_rest_api = apigateway_v1._import_rest_api
_handle_request = apigateway_v1.handle_request
_create_deployment = apigateway_v1._create_deployment
_acquire_worker = lambda_runtime.acquire_worker
_resource_matches = iam_evaluator._resource_matches
_describe_continuous_backups = dynamodb._describe_continuous_backups

Reply = tuple[int, dict[str, str], bytes]


def import_rest_api(spec: dict[str, Any], base: dict[str, Any] | None = None) -> str:
    """Makes an API from its description, with the extensions that ministack ignores; its id."""
    data = dict(base or {})
    if COMPRESSION in spec:
        data["minimumCompressionSize"] = spec[COMPRESSION]
    if spec.get(BINARY_TYPES):
        data["binaryMediaTypes"] = spec[BINARY_TYPES]
    id = str(_import_rest_api(spec, data))
    for kind, response in spec.get(GATEWAY_RESPONSES, {}).items():
        apigateway_v1._put_gateway_response(
            id,
            kind,
            {
                "statusCode": response.get("statusCode"),
                "responseParameters": response.get("responseParameters"),
                "responseTemplates": response.get("responseTemplates"),
            },
        )
    return id


def overwrite_rest_api(id: str, spec: dict[str, Any]) -> None:
    """Replaces what an API's description says, and keeps its id, stages and endpoint."""
    apis = apigateway_v1._rest_apis
    before = apis[id]
    kept = {key: before[key] for key in ("endpointConfiguration", "tags", "minimumCompressionSize")}
    made = import_rest_api(spec, kept)
    apis[id] = {**apis.pop(made), "id": id, "createdDate": before["createdDate"]}
    for store in (
        apigateway_v1._resources,
        apigateway_v1._authorizers_v1,
        apigateway_v1._models,
        apigateway_v1._gateway_responses,
        apigateway_v1._documentation_parts,
    ):
        store[id] = store.pop(made, {})
    for store in (apigateway_v1._stages_v1, apigateway_v1._deployments_v1):
        store.pop(made, None)


async def handle_request(
    method: str, path: str, headers: Any, body: bytes, query: Mapping[str, Any]
) -> Reply:
    """API Gateway's control plane with ImportRestApi and PutRestApi."""
    parts = path.strip("/").split("/")
    if method == "POST" and parts == ["restapis"] and _first(query, "mode") == "import":
        endpoint = _first(query, "endpointConfigurationTypes") or "EDGE"
        id = import_rest_api(json.loads(body), {"endpointConfiguration": {"types": [endpoint]}})
        return _answer(id, 201)
    if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
        id = parts[1]
        if id in apigateway_v1._rest_apis:
            assert _first(query, "mode") == "overwrite", "a merge is not emulated"
            overwrite_rest_api(id, json.loads(body))
        return _answer(id, 200)
    reply: Reply = await _handle_request(method, path, headers, body, query)
    return reply


def create_deployment(id: str, data: dict[str, Any]) -> Reply:
    """CreateDeployment, which switches X-Ray on or off if it says so."""
    reply: Reply = _create_deployment(id, data)
    if "tracingEnabled" in data and data.get("stageName"):
        stage = apigateway_v1._stages_v1[id][data["stageName"]]
        stage["tracingEnabled"] = data["tracingEnabled"]
    return reply


def ready_at_once(name: str, _: float) -> None:
    """A Lambda's new state, without a delay."""
    function = lambda_svc._functions.get(name)
    if function:
        function["config"] |= {"State": "Active", "LastUpdateStatus": "Successful"}


def acquire_worker(*arguments: Any, **options: Any) -> tuple[lambda_runtime.Worker, str]:
    """A process of a Lambda for a request: a free one, a new one if there are less than two, or the
    first that becomes free. None of our Lambdas calls itself.
    """
    while True:
        worker, how = _acquire_worker(*arguments, max_concurrency=PROCESSES, **options)
        if worker is not None:
            return worker, how
        time.sleep(0.01)


Made = tuple[str, dict[str, Any]]


def _make_api(properties: dict[str, Any], made: Made) -> None:
    endpoint = properties.get("EndpointConfiguration", {})
    if "Types" in endpoint:
        apigateway_v1._rest_apis[made[0]]["endpointConfiguration"] = {"types": endpoint["Types"]}


def _make_stage(properties: dict[str, Any], made: Made) -> None:
    setting = properties.get("AccessLogSetting", {})
    apigateway_v1._stages_v1[properties["RestApiId"]][made[0]]["accessLogSettings"] = {
        name[0].lower() + name[1:]: value for name, value in setting.items()
    }


def _make_table(properties: dict[str, Any], made: Made) -> None:
    encryption = dict(properties.get("SSESpecification", {}))
    encryption["Enabled"] = encryption.pop("SSEEnabled", False)
    table = dynamodb._tables[made[0]]
    table["SSEDescription"] = dynamodb._sse_description_from_spec(encryption)
    if "PointInTimeRecoverySpecification" in properties:
        recovery = properties["PointInTimeRecoverySpecification"]
        dynamodb._update_continuous_backups(
            {"TableName": made[0], "PointInTimeRecoverySpecification": recovery}
        )


def resource_matches(arn: str, resources: list[str], others: list[str]) -> bool:
    """Whether a statement is about a resource; about one that is not known, it always is."""
    named = arn.replace(":rule/default/", ":rule/")
    return arn == "*" or bool(_resource_matches(named, resources, others))


def describe_continuous_backups(data: dict[str, Any]) -> Reply:
    """The moments to which a table can be restored: any since it was made."""
    status, headers, body = _describe_continuous_backups(data)
    said = json.loads(body)
    described = said.get("ContinuousBackupsDescription", {})
    recovery = described.get("PointInTimeRecoveryDescription", {})
    if "EarliestRestorableDateTime" in recovery:
        table = dynamodb._tables[dynamodb._normalize_table_name(data["TableName"])]
        recovery["EarliestRestorableDateTime"] = table["CreationDateTime"]
        body = json.dumps(said).encode()
    return status, headers, body


class Package(zipfile.ZipFile):
    """A package of Lambdas, of which all processes read one copy, as they never write to it."""

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
        """Makes the empty folder a link to what is in the package."""
        assert self.filename
        digest = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path.cwd() / "packages" / digest
        with self._unpacking:
            if not shared.exists():
                super().extractall(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared)


def complete(kind: str, more: Callable[[dict[str, Any], Made], None]) -> None:
    """Has CloudFormation do more whenever it makes a resource of this type."""
    handler = provisioners._RESOURCE_HANDLERS[kind]
    create = handler["create"]

    def completed(name: str, properties: dict[str, Any], stack: str) -> Made:
        made: Made = create(name, properties, stack)
        more(properties, made)
        return made

    handler["create"] = completed


def _answer(id: str, status: int) -> Reply:
    found, headers, body = apigateway_v1._get_rest_api(id)
    return (status if found == 200 else found), headers, body


def _first(query: Mapping[str, Any], name: str) -> str:
    value = query.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def main() -> None:
    """Starts ministack with these repairs."""
    # The Lambdas' processes inherit it, and would not find the bytecode of their package.
    os.environ.pop("PYTHONPYCACHEPREFIX", None)
    apigateway_v1._import_rest_api = import_rest_api
    apigateway_v1.handle_request = handle_request
    apigateway_v1._create_deployment = create_deployment
    lambda_svc._schedule_state_transition = ready_at_once
    lambda_svc.acquire_worker = acquire_worker
    lambda_runtime.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": Package})
    iam_evaluator._resource_matches = resource_matches
    dynamodb._describe_continuous_backups = describe_continuous_backups
    complete("AWS::ApiGateway::RestApi", _make_api)
    complete("AWS::ApiGateway::Stage", _make_stage)
    complete("AWS::DynamoDB::Table", _make_table)
    app.main()


if __name__ == "__main__":
    main()
