"""A trimmed package has all that a Lambda reads, compiled, and nothing of other services."""

import importlib.util
import json
import marshal
import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import botocore.session
import click
import pytest

from ops.trimming import trim
from tests.engines import ROOT

ENDPOINTS = "botocore/data/endpoints.json"
SOURCE = "ANSWER = 6 * 7\n"
FILES = {
    "app.py": SOURCE,
    "chalicelib/room/queries.py": SOURCE,
    "chalicelib/room/__pycache__/queries.cpython-39.pyc": "of another Python",
    "chalicelib/http/openapi.json": "{}",
    ENDPOINTS: json.dumps(
        {
            "partitions": [
                {
                    "partition": "aws",
                    "regions": {"eu-central-1": {}},
                    "services": {"dynamodb": {"endpoints": {"local": {}}}, "ec2": {}},
                }
            ],
            "version": 3,
        }
    ),
    "botocore/data/dynamodb/2012-08-10/service-2.json.gz": "{}",
    "botocore/data/dynamodb/2012-08-10/examples-1.json": "{}",
    "botocore/data/ec2/2016-11-15/service-2.json.gz": "{}",
    "botocore/client.py": SOURCE,
}
GONE = {
    "chalicelib/room/__pycache__/queries.cpython-39.pyc",
    "botocore/data/dynamodb/2012-08-10/examples-1.json",
    "botocore/data/ec2/2016-11-15/service-2.json.gz",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package as Chalice makes it, in small."""
    path = tmp_path / "deployment.zip"
    with zipfile.ZipFile(path, "w") as whole:
        for name, text in FILES.items():
            whole.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return path


def contents(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as packed:
        names = packed.namelist()
        assert len(names) == len(set(names))
        return {name: packed.read(name) for name in names}


def bytecode_of(name: str) -> str:
    path = PurePosixPath(name)
    tag = sys.implementation.cache_tag
    return str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")


def test_what_no_lambda_reads_is_gone_and_the_rest_is_as_it_was(package: Path) -> None:
    trim(package)

    found = contents(package)
    compiled = {bytecode_of(name) for name in FILES if name.endswith(".py")}
    assert found.keys() - compiled == FILES.keys() - GONE
    for name in FILES.keys() - GONE - compiled - {ENDPOINTS}:
        assert found[name] == FILES[name].encode()
    assert list(package.parent.iterdir()) == [package]


def test_of_all_endpoints_those_of_dynamodb_are_left(package: Path) -> None:
    trim(package)

    whole = json.loads(FILES[ENDPOINTS])
    assert json.loads(contents(package)[ENDPOINTS]) == {
        **whole,
        "partitions": [
            {**whole["partitions"][0], "services": {"dynamodb": {"endpoints": {"local": {}}}}}
        ],
    }


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1", "new-place-1"])
def test_a_region_has_the_endpoint_that_it_had(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    everything = Path(botocore.__file__).parent / "data" / "endpoints.json"
    with zipfile.ZipFile(package, "w") as whole:
        whole.write(everything, ENDPOINTS)
    before = endpoint_in(region)

    trim(package)

    with zipfile.ZipFile(package) as packed:
        packed.extractall(tmp_path / "code")
    assert (tmp_path / "code" / ENDPOINTS).stat().st_size < everything.stat().st_size / 10
    monkeypatch.setenv("AWS_DATA_PATH", str((tmp_path / "code" / ENDPOINTS).parent))
    assert endpoint_in(region) == before


def endpoint_in(region: str) -> tuple[str, str]:
    """Where a client of this region finds DynamoDB, and what it says it is of."""
    client = botocore.session.get_session().create_client("dynamodb", region_name=region)
    return client.meta.endpoint_url, client.meta.partition


def test_what_is_imported_is_compiled_and_taken_without_a_look_at_its_source(
    package: Path,
) -> None:
    trim(package)

    found = contents(package)
    for name in ("app.py", "chalicelib/room/queries.py", "botocore/client.py"):
        bytecode = found[bytecode_of(name)]
        assert bytecode[:4] == importlib.util.MAGIC_NUMBER
        assert bytecode[4:8] == bytes([0b01, 0, 0, 0])  # By hash, unchecked: PEP 552.
        code = marshal.loads(bytecode[16:])
        assert code.co_filename == name
        scope: dict[str, int] = {}
        exec(code, scope)
        assert scope["ANSWER"] == 42


def test_an_unpacked_package_is_imported_from_its_bytecode(package: Path, tmp_path: Path) -> None:
    trim(package)
    code = tmp_path / "code"
    with zipfile.ZipFile(package) as packed:
        packed.extractall(code)
    (code / "app.py").write_text("ANSWER = 'compiled again'\n")

    # A Lambda's process knows nothing of where this one keeps what it compiles.
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    done = subprocess.run(
        [sys.executable, "-c", "import app; print(app.ANSWER)"],
        cwd=code,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "42\n"


def test_the_same_package_is_trimmed_to_the_same_bytes_and_twice_is_as_once(package: Path) -> None:
    untrimmed = package.read_bytes()
    trim(package)
    once = package.read_bytes()

    trim(package)
    assert package.read_bytes() == once

    package.write_bytes(untrimmed)
    trim(package)
    assert package.read_bytes() == once


def test_of_another_python_than_the_lambdas_no_bytecode_is_packed(package: Path) -> None:
    other = f"python{sys.version_info.major}.{sys.version_info.minor + 1}"
    untrimmed = package.read_bytes()

    trim(package, runtime=other)
    assert contents(package).keys() == FILES.keys() - GONE

    package.write_bytes(untrimmed)
    trim(package, runtime=f"python{sys.version_info.major}.{sys.version_info.minor}")
    assert bytecode_of("app.py") in contents(package)


def test_dates_order_and_permissions_of_the_files_do_not_matter(package: Path) -> None:
    with zipfile.ZipFile(package, "w") as whole:
        for name, text in FILES.items():
            whole.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    trim(package)
    expected = package.read_bytes()

    with zipfile.ZipFile(package, "w") as whole:
        for name, text in reversed(FILES.items()):
            entry = zipfile.ZipInfo(name, (2026, 11, 25, 12, 0, 0))
            entry.external_attr = 0o600 << 16
            whole.writestr(entry, text, zipfile.ZIP_DEFLATED)
    trim(package)

    assert package.read_bytes() == expected
    with zipfile.ZipFile(package) as packed:
        assert packed.namelist() == sorted(packed.namelist())
        # Lambda's user has to be able to read the code.
        assert {entry.external_attr >> 16 for entry in packed.infolist()} == {0o100644}


def test_another_process_trims_to_the_same_bytes(package: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package, "w") as whole:
        for path in (ROOT / "app.py", *sorted((ROOT / "chalicelib" / "domain").glob("*.py"))):
            whole.write(path, path.relative_to(ROOT))
    other = tmp_path / "other.zip"
    other.write_bytes(package.read_bytes())
    program = f"from pathlib import Path; from ops.trimming import trim; trim(Path({str(other)!r}))"

    trim(package)
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        check=True,
    )

    assert other.read_bytes() == package.read_bytes()


def test_code_that_does_not_compile_is_refused_with_its_place(package: Path) -> None:
    with zipfile.ZipFile(package, "w") as whole:
        whole.writestr("chalicelib/broken.py", "def f(:\n")

    with pytest.raises(click.ClickException) as raised:
        trim(package)

    assert raised.value.message == (
        "the code does not compile: chalicelib/broken.py, line 1: invalid syntax"
    )
