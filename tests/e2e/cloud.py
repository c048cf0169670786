"""Cloud: ministack as a whole AWS, with IAM enforced, and what a test asks of it."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
import urllib3

from tests import engines
from tests.ops.forking import Forking, forking

ENVIRONMENT = "prod"
ACCESS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Cloud:
    """An endpoint that answers as AWS does, and the stages deployed there."""

    def __init__(self, endpoint: str, project: Path, processes: Forking) -> None:
        self.endpoint = endpoint
        self.project = project
        self._processes = processes
        self.access = ACCESS
        self._http = urllib3.PoolManager(retries=False, timeout=60)
        self._session = botocore.session.get_session()
        self._clients: dict[tuple[Any, ...], Any] = {}

    def client(
        self, service: str, region: str = ACCESS["AWS_DEFAULT_REGION"], **credentials: Any
    ) -> Any:
        """A client of a service, as the account's root or with the credentials given."""
        known = service, region, *credentials.items()
        if known not in self._clients:
            access: dict[str, Any] = {
                "aws_access_key_id": ACCESS["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": ACCESS["AWS_SECRET_ACCESS_KEY"],
                **credentials,
            }
            self._clients[known] = self._session.create_client(
                service,
                endpoint_url=self.endpoint,
                region_name=region,
                **access,
            )
        return self._clients[known]

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a command finds this cloud."""
        return {
            **self.access,
            "AWS_ENDPOINT_URL": self.endpoint,
            "TWOFOLD_API_ADDRESS": f"{self.endpoint}/restapis/{{api}}/{{stage}}/_user_request_",
        }

    def ops(self, *arguments: str) -> str:
        """What a command of the operator prints."""
        return self._run("ops", arguments, self.environment)

    def chalice(self, *arguments: str) -> str:
        """What a command of Chalice's prints."""
        return self._run("chalice", arguments, {**self.access, "AWS_ENDPOINT_URL": self.endpoint})

    def _run(self, program: str, words: Sequence[str], variables: Mapping[str, str]) -> str:
        done = self._processes.run(
            program, *words, environment={**os.environ, **variables}, folder=self.project
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def as_user(self, *policies: str) -> Iterator[None]:
        """The operator's commands run as a user who has these policies of the documents only."""
        iam, name, before = self.client("iam"), policies[0], self.access
        iam.create_user(UserName=name)
        for policy in policies:
            text = (engines.ROOT / "docs" / "examples" / f"{policy}.json").read_text()
            made = iam.create_policy(PolicyName=policy, PolicyDocument=understood(text))
            iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.access = {
            **ACCESS,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        yield
        self.access = before

    def stack(self, stage: str, region: str) -> dict[str, str]:
        """The outputs of a stage's stack."""
        formation = self.client("cloudformation", region)
        found = formation.describe_stacks(StackName=f"twofold-{stage}")
        return {each["OutputKey"]: each["OutputValue"] for each in found["Stacks"][0]["Outputs"]}

    def url(self, stage: str, region: str = ACCESS["AWS_DEFAULT_REGION"]) -> str:
        """A stage's address: by path, since no name server knows the emulator's hosts."""
        return (
            f"{self.endpoint}/restapis/{self.stack(stage, region)['RestAPIId']}/v1/_user_request_"
        )

    def role(self, stage: str, resource: str) -> str:
        """The role of one of a stage's Lambdas, by its name in the template."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=f"twofold-{stage}", LogicalResourceId=resource
        )
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        function = self.client("lambda").get_function(FunctionName=name)
        return str(function["Configuration"]["Role"])

    def as_role(self, role: str) -> Any:
        """A client of DynamoDB that may do what this role may."""
        given = self.credentials(role)
        return self.client(
            "dynamodb",
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=given["AWS_SESSION_TOKEN"],
        )

    def credentials(self, role: str) -> dict[str, str]:
        """The variables with which a process may do what this role may."""
        session = self.client("sts").assume_role(RoleArn=role, RoleSessionName="e2e")
        given = session["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }

    def keys_of(self, table: str) -> dict[str, str]:
        """The names and types of a table's keys, hash key first."""
        found = self.client("dynamodb").describe_table(TableName=table)["Table"]
        types = {
            each["AttributeName"]: each["AttributeType"] for each in found["AttributeDefinitions"]
        }
        keys = sorted(found["KeySchema"], key=lambda key: str(key["KeyType"]))
        return {key["AttributeName"]: types[key["AttributeName"]] for key in keys}

    def projector(self, stage: str) -> str:
        """The event source mapping of a stage's projector."""
        name = self.client("cloudformation").describe_stack_resource(
            StackName=f"twofold-{stage}", LogicalResourceId=f"Project{stage.capitalize()}"
        )["StackResourceDetail"]["PhysicalResourceId"]
        mappings = self.client("lambda").list_event_source_mappings(FunctionName=name)
        return str(mappings["EventSourceMappings"][0]["UUID"])

    def switch(self, mapping: str, *, on: bool) -> None:
        """Stops an event source mapping, or starts it again."""
        self.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=on)

    def call(
        self, method: str, url: str, key: str | None = None, body: object = None
    ) -> tuple[int, Any]:
        """A status and a body."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        reply = self._http.request(method, url, headers=headers, json=body)
        return reply.status, reply.json()


def understood(policy: str) -> str:
    """A policy without the conditions that the emulator never meets, since it lacks their keys."""
    document = json.loads(policy)
    for statement in document["Statement"]:
        for values in statement.get("Condition", {}).values():
            for key in ("iam:PolicyARN", "lambda:FunctionArn"):
                values.pop(key, None)
    return json.dumps(document)


@contextmanager
def cloud(home: Path, project: Path = engines.ROOT) -> Iterator[Cloud]:
    """A ministack of one's own with every service and IAM enforced, for a copy of the project."""
    port = engines.free_port()
    with (
        forking(home) as processes,
        engines.running(
            [sys.executable, str(engines.ROOT / "tests" / "e2e" / "emulator.py")],
            f"http://127.0.0.1:{port}",
            cwd=home,
            GATEWAY_PORT=str(port),
            BIND_HOST="127.0.0.1",
            AUTH="true",
            SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0",
            LOG_LEVEL="WARNING",
            TMPDIR=str(home),  # It leaves what it unpacks.
        ) as endpoint,
    ):
        yield Cloud(endpoint, project, processes)
