"""Trimming: a package without what no Lambda of ours reads, and with what it imports compiled.

For every client that it makes, botocore looks through the folders of all services it knows, of
which one is ours, and reads where in the world each of them is to be found. And Python may not
write beside the code of a Lambda, so that what it compiles in one cold start is compiled again in
the next: here it is compiled once, by the Python whose version Chalice has the Lambda run on. Such
bytecode is taken as it is, without a look at its source, since unpacking need not keep the time of
a file (PEP 552).
"""

import importlib.util
import io
import json
import py_compile
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path, PurePosixPath

SERVICES = frozenset({"dynamodb"})
"""What our Lambdas call. Chalice's own clients, to which none of them comes, are not among them."""

_SERVICE_DATA = PurePosixPath("botocore/data")
_ENDPOINTS = _SERVICE_DATA / "endpoints.json"


def trim(package: Path) -> None:
    """Trims a deployment package, a zip, in its place."""
    package.write_bytes(_trimmed(package.read_bytes()))


@lru_cache(maxsize=1)
def _trimmed(package: bytes) -> bytes:
    """The zip, trimmed. All stages have the same code, so that it is done once for all of them."""
    trimmed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as whole,
        zipfile.ZipFile(trimmed, "w", zipfile.ZIP_DEFLATED) as lean,
    ):
        for entry in whole.infolist():
            path = PurePosixPath(entry.filename)
            if not _is_read(path):
                continue
            content = whole.read(entry)
            if path == _ENDPOINTS:
                content = _our_endpoints(content)
            lean.writestr(entry, content, zipfile.ZIP_DEFLATED)
            if path.suffix == ".py":
                compiled = zipfile.ZipInfo(_cached(path), entry.date_time)
                compiled.external_attr = entry.external_attr
                lean.writestr(compiled, _bytecode(path, content), zipfile.ZIP_DEFLATED)
    return trimmed.getvalue()


def _is_read(path: PurePosixPath) -> bool:
    if path.suffix == ".pyc":
        return False
    if path.is_relative_to(_SERVICE_DATA) and len(path.parts) > len(_SERVICE_DATA.parts) + 1:
        service = path.relative_to(_SERVICE_DATA).parts[0]
        return service in SERVICES and not path.name.startswith("examples-")
    return True


def _our_endpoints(content: bytes) -> bytes:
    """Botocore's list of partitions, regions and endpoints, with those of our services alone."""
    listed = json.loads(content)
    for partition in listed["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in SERVICES}
    return json.dumps(listed).encode()


def _cached(path: PurePosixPath) -> str:
    return PurePosixPath(
        path.parent, "__pycache__", Path(importlib.util.cache_from_source(path.name)).name
    ).as_posix()


def _bytecode(path: PurePosixPath, source: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        written, compiled = Path(folder, path.name), Path(folder, "compiled")
        written.write_bytes(source)
        py_compile.compile(
            str(written),
            cfile=str(compiled),
            dfile=path.as_posix(),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        return compiled.read_bytes()
