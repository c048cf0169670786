"""Trimming: a package without the files that no Lambda of ours reads, with its modules compiled.

For each client, botocore searches the folders of all its services and reads their endpoints, of
which only DynamoDB's are used here. A Lambda cannot store compiled modules, so that each cold start
would compile them again: they are compiled here, if this Python is of the Lambda's version. The
bytecode is not checked against its source (PEP 552), since unpacking may change a file's time.

The same files give the same zip, to the byte: sorted, with one date, and compiled in a separate
process (`ops/compiling.py`).
"""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

import click

SERVICES = frozenset({"dynamodb"})
"""The services that our Lambdas call."""

_SERVICE_DATA = PurePosixPath("botocore/data")
_ENDPOINTS = str(_SERVICE_DATA / "endpoints.json")

_COMPILER = Path(__file__).with_name("compiling.py")

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _MODE = 3, 0o100644


def trim(package: Path, runtime: str | None = None) -> None:
    """Trims a deployment package, a zip, in place.

    `runtime` is the Lambda's, such as "python3.13"; None is this Python's. For another version the
    sources are not compiled. Raises ClickException for a module that does not compile.
    """
    package.write_bytes(_trimmed(package.read_bytes(), runtime in (None, _own_runtime())))


def is_read(path: PurePosixPath) -> bool:
    """Whether a Lambda of ours may read this file of a package."""
    if path.suffix == ".pyc":
        return False
    if path.is_relative_to(_SERVICE_DATA) and len(path.parts) > len(_SERVICE_DATA.parts) + 1:
        service = path.relative_to(_SERVICE_DATA).parts[0]
        return service in SERVICES and not path.name.startswith("examples-")
    return True


def _own_runtime() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


@lru_cache(maxsize=1)
def _trimmed(package: bytes, compiles: bool) -> bytes:
    """The trimmed zip, cached since all stages have the same code."""
    files = {name: text for name, text in _files(package).items() if is_read(PurePosixPath(name))}
    if _ENDPOINTS in files:
        files[_ENDPOINTS] = _our_endpoints(files[_ENDPOINTS])
    if compiles:
        files |= _bytecode({name: text for name, text in files.items() if name.endswith(".py")})
    return _zipped(files)


def _files(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as whole:
        return {name: whole.read(name) for name in whole.namelist() if not name.endswith("/")}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as lean:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _MODE << 16
            lean.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _our_endpoints(content: bytes) -> bytes:
    """Botocore's list of partitions, regions and endpoints, reduced to our services."""
    listed = json.loads(content)
    for partition in listed["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in SERVICES}
    return json.dumps(listed).encode()


def _bytecode(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The bytecode of modules, by the names of its files."""
    done = subprocess.run(
        [sys.executable, "-S", str(_COMPILER)],
        input=_zipped(sources),
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"the code does not compile: {done.stderr.decode().strip()}")
    return _files(done.stdout)
