"""The packaged code runs as it is: unpacked, with nothing beside it but Python, on an engine.

Each Lambda of the templates is called in a process of its own, whose path has the unpacked code
and the standard library alone.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.invocations import Lambda, environment, request, transfer
from chalicelib.http import keys
from ops import wheels
from ops.packaging import Package, package_stages
from ops.stages import ORDER, stage_named
from tests.deliveries import records_of

OWN = f"python{sys.version_info.major}.{sys.version_info.minor}"
RUNTIMES = ("python3.11", "python3.13")

PROGRAM = """
import sys
folder, module, handler, said = sys.argv[1:]
sys.path.insert(0, folder)
import importlib, json, os, types
function = getattr(importlib.import_module(module), handler)
context = types.SimpleNamespace(
    aws_request_id="1",
    function_name=handler,
    function_version="1",
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:" + handler,
    memory_limit_in_mb=512,
    get_remaining_time_in_millis=lambda: 60_000,
)
answers = [function(event, context) for event in json.load(sys.stdin)]
specs = [each.__spec__ for each in list(sys.modules.values()) if getattr(each, "__spec__", None)]
ours = [each for each in specs if (each.origin or "").startswith(folder + os.sep)]
library = (os.path.dirname(os.__file__) + os.sep, "built-in", "frozen")
with open(said, "w") as file:
    json.dump(
        {
            "answers": answers,
            "loaded": sorted(each.name for each in ours),
            "compiled_late": sorted(
                each.name
                for each in ours
                if each.origin.endswith(".py") and not os.path.exists(each.cached)
            ),
            "from_elsewhere": sorted(
                each.name
                for each in specs
                if each.origin and each not in ours and not each.origin.startswith(library)
            ),
        },
        file,
    )
"""

TICK = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-11-25T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


@dataclass(frozen=True)
class Shipped:
    """The unpacked code of all stages for a runtime, and the Python that it is run by."""

    runtime: str
    python: str
    folder: Path
    packages: Sequence[Package]

    def handlers(self) -> dict[str, dict[str, Lambda]]:
        """Every Lambda of the templates, by its stage and its name there."""
        found: dict[str, dict[str, Lambda]] = {}
        for each in self.packages:
            resources = json.loads(each.template.read_text())["Resources"]
            found[each.stage.name] = {
                name: Lambda(name, each.stage.name, *part["Properties"]["Handler"].rsplit(".", 1))
                for name, part in resources.items()
                if part["Type"] == "AWS::Serverless::Function"
            }
        return found


@pytest.fixture(scope="module", params=RUNTIMES)
def shipped(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shipped]:
    """The code for each runtime that this machine has a Python for."""
    runtime: str = request.param
    python = interpreter(runtime)
    if python is None:
        pytest.skip(f"there is no {runtime} here")
    out = tmp_path_factory.mktemp(runtime)
    stages = [
        replace(stage, variables={**stage.variables, "TWOFOLD_RUNTIME": runtime})
        for stage in map(stage_named, ORDER if runtime == OWN else ORDER[:1])
    ]
    made = package_stages(stages, out / "packages")
    with zipfile.ZipFile(made[0].code) as packed:
        packed.extractall(out / "code")
    yield Shipped(runtime, python, out / "code", made)
    shutil.rmtree(out)


def interpreter(runtime: str) -> str | None:
    """A Python of this version, if the machine has one."""
    if runtime == OWN:
        return sys.executable
    installed = Path.home() / ".pyenv" / "versions"
    version = runtime.removeprefix("python")
    candidates = [shutil.which(runtime), *map(str, installed.glob(f"{version}.*/bin/python"))]
    program = "import sys; print('python%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        # A pyenv's stand-in for a version that is not switched on is there, and fails.
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == runtime:
            return candidate
    return None


def called(shipped: Shipped, one: Lambda, endpoint: str, *events: Any) -> list[Any]:
    """What a Lambda answers to these events, one after the other, in a process of its own."""
    said = shipped.folder.parent / "said.json"
    said.unlink(missing_ok=True)
    done = subprocess.run(
        [
            # -B: what is not compiled is found out. For another Python nothing is.
            *(shipped.python, "-IS" + "B" * (shipped.runtime == OWN), "-c", PROGRAM),
            *(str(shipped.folder), one.module, one.handler, str(said)),
        ],
        input=json.dumps(events),
        cwd=shipped.folder,
        env=environment(one, endpoint),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(said.read_text())
    assert one.module in found["loaded"]
    assert found["from_elsewhere"] == []
    if shipped.runtime == OWN:
        assert found["compiled_late"] == []
    answers: list[Any] = found["answers"]
    return answers


def body(answer: dict[str, Any], status: int) -> dict[str, Any]:
    assert answer["statusCode"] == status, answer
    return dict(json.loads(answer["body"]))


def opening(ledger: str, id: str, **fields: object) -> dict[str, Any]:
    content = {"id": id, "asset": "EUR/2", "normal_balance": "debit", **fields}
    return request("POST", "/ledgers/{ledger}/accounts", content, ledger=ledger)


def test_money_is_moved_and_read_again_by_the_lambdas_as_they_are_shipped(
    shipped: Shipped, ministack: str, ledger: str
) -> None:
    api = {name: Lambda(name, name, "app", "app") for name in ORDER}
    authorizer = Lambda("authorize", "write", "chalicelib.http.auth", "authorize")

    secret, key = keys.create("shipped", [keys.READ, keys.WRITE], [ledger])
    token = {
        "type": "TOKEN",
        "methodArn": f"arn:aws:execute-api:us-east-1:0:api/v1/GET/ledgers/{ledger}/accounts",
        "authorizationToken": f"Bearer {secret}",
    }
    (verdict,) = called(shipped, authorizer, ministack, token)
    assert verdict["principalId"] == key.id
    assert {each["Effect"] for each in verdict["policyDocument"]["Statement"]} == {"Allow"}

    def asked(event: dict[str, Any]) -> dict[str, Any]:
        let_in = {"principalId": verdict["principalId"], **verdict["context"]}
        event["requestContext"]["authorizer"] = let_in
        return event

    first, second, moved = called(
        shipped,
        api["write"],
        ministack,
        asked(opening(ledger, "till")),
        asked(opening(ledger, "sales", normal_balance="credit")),
        asked(transfer(ledger, "till", "sales", "t-1")),
    )
    assert body(first, 201)["id"] == "till"
    assert body(second, 201)["id"] == "sales"
    assert body(moved, 201)["id"] == "t-1"

    delivered = {"Records": records_of(ledger)}
    assert len(delivered["Records"]) >= 5  # Two accounts opened, an entry of each, a transaction.
    for name in ("accounts", "journal"):
        module = f"chalicelib.read_models.{name}"
        projector = Lambda(name, name, module, f"project_{name}")
        assert called(shipped, projector, ministack, delivered) == [{"batchItemFailures": []}]

    account = request("GET", "/ledgers/{ledger}/accounts/{account}", ledger=ledger, account="till")
    (till,) = called(shipped, api["accounts"], ministack, asked(account))
    assert body(till, 200)["posted"] == "1"

    resource = "/ledgers/{ledger}/transactions/{transaction}"
    written = request("GET", resource, ledger=ledger, transaction="t-1")
    proof = request("GET", "/ledgers/{ledger}/trial-balance", ledger=ledger)
    entry, trial = called(shipped, api["journal"], ministack, asked(written), asked(proof))
    assert {each["account"] for each in body(entry, 200)["entries"]} == {"till", "sales"}
    (euros,) = body(trial, 200)["assets"]
    assert (euros["asset"], euros["debits"], euros["credits"]) == ("EUR/2", "1", "1")


@pytest.mark.parametrize("shipped", [OWN], indirect=True)
def test_every_lambda_of_the_templates_starts(shipped: Shipped, ministack: str) -> None:
    for stage, lambdas in shipped.handlers().items():
        for one in lambdas.values():
            if one.handler == "app":
                health = request("GET", "/health")
                (answer,) = called(shipped, one, ministack, health)
                assert body(answer, 200)["serves"] == [stage]
            elif one.handler == "authorize" or one.handler.startswith("project_"):
                assert called(shipped, one, ministack) == []
            else:
                (answer,) = called(shipped, one, ministack, TICK)
                assert isinstance(answer, dict), one


def test_the_zip_has_what_is_imported_on_the_runtime_and_nothing_of_the_tests(
    shipped: Shipped,
) -> None:
    wheels.check(shipped.folder, shipped.runtime, "x86_64")
    assert (shipped.folder / "botocore" / "cacert.pem").is_file()  # For https.
    assert sorted(path.name for path in (shipped.folder / "botocore" / "data").glob("*/")) == [
        "dynamodb"
    ]
    top = {path.name for path in shipped.folder.iterdir()}
    assert top >= {"app.py", "chalice", "chalicelib", "botocore", "msgspec"}
    assert not top & {"boto3", "moto", "pytest", "ministack", "psutil", "bin"}
    assert not top & {"ops", "simulator", "tests"}


@pytest.mark.parametrize("shipped", [OWN], indirect=True)
def test_all_stages_are_shipped_the_same_code(shipped: Shipped) -> None:
    assert len({each.code.read_bytes() for each in shipped.packages}) == 1


@pytest.mark.parametrize("shipped", [OWN], indirect=True)
def test_the_code_is_the_same_to_the_byte_when_it_is_packaged_again(
    shipped: Shipped, tmp_path: Path
) -> None:
    (again,) = package_stages([shipped.packages[0].stage], tmp_path, cache=tmp_path / "empty")

    assert again.code.read_bytes() == shipped.packages[0].code.read_bytes()
