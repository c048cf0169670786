"""Wheels: the pinned packages for a Lambda's Python and processor, whatever Python runs this.

pip downloads wheels for that platform, and builds nothing from source. Each wheel, also one of the
cache, is checked against the hashes of the lock whenever it is read. Wheels are unpacked without
scripts and without what trimming removes: the same lock gives the same files everywhere.
"""

import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import click
from packaging.tags import Tag, parse_tag

from chalicelib.settings import settings
from ops.elf import complaint
from ops.lambda_runtimes import MACHINES, Runtime, markers, platforms, runtime_named, supported_tags
from ops.pins import Pin, read
from ops.trimming import is_read

_PIP: Sequence[str] = (sys.executable, "-m", "pip")
_INSTALLED = frozenset({"purelib", "platlib"})
"""The folders of a wheel's data with code; the others have scripts, headers and manuals."""

_UNREACHABLE = re.compile(r"Retrying \(|Max retries exceeded|Failed to establish|ConnectionError")


def install(
    requirements: Path,
    target: Path,
    runtime: str,
    architecture: str,
    *,
    cache: Path | None = None,
) -> None:
    """Unpacks the wheels that a lock pins for a Lambda into a new folder.

    `runtime` and `architecture` are Lambda's names, such as "python3.11" and "arm64". `cache` keeps
    the wheels; by default it is a folder of the settings. Raises ClickException, with the package's
    name, for a wheel that cannot be downloaded or does not fit.
    """
    python = runtime_named(runtime)
    systems = platforms(python, architecture)
    if target.exists() and any(target.iterdir()):
        raise click.ClickException(f"{target} is not empty")
    environment = markers(python, architecture)
    pins = [pin for pin in read(requirements) if pin.is_for(environment)]
    kept = (cache or settings().home / "wheels") / f"{runtime}-{architecture}"
    wheels = _kept(kept, pins)
    missing = [pin for pin in pins if pin.name not in wheels]
    if missing:
        _fetch(missing, kept, python, systems, architecture)
        wheels |= _kept(kept, missing)
    for pin in pins:
        if pin.name not in wheels:
            raise click.ClickException(f"pip brought no wheel of {pin.name} {pin.version}")
    for pin in pins:
        _unpack(pin, wheels[pin.name], target)
    check(target, runtime, architecture)


def tags(folder: Path) -> dict[str, frozenset[Tag]]:
    """The tags of each package in a folder, by `name-version`."""
    return {
        path.parent.name.removesuffix(".dist-info"): frozenset(
            tag
            for line in path.read_text().splitlines()
            if line.startswith("Tag:")
            for tag in parse_tag(line.removeprefix("Tag:").strip())
        )
        for path in sorted(folder.glob("*.dist-info/WHEEL"))
    }


def check(folder: Path, runtime: str, architecture: str) -> None:
    """Raises ClickException for a package or a compiled file that does not run on a Lambda."""
    python = runtime_named(runtime)
    supported = supported_tags(python, architecture)
    for package, found in tags(folder).items():
        if not found & supported:
            names = ", ".join(sorted(map(str, found))) or "no tag"
            raise click.ClickException(
                f"{package} does not run on {runtime}, {architecture}: it is for {names}"
            )
    for path in compiled(folder):
        wrong = complaint(path, python, MACHINES[architecture])
        if wrong:
            raise click.ClickException(
                f"{path.relative_to(folder)} does not run on {runtime}, {architecture}: {wrong}"
            )


def compiled(folder: Path) -> list[Path]:
    """The compiled files in a folder: extension modules and the libraries that come with them."""
    return sorted(path for path in folder.rglob("*.so*") if path.is_file())


def _kept(folder: Path, pins: Sequence[Pin]) -> dict[str, bytes]:
    """The wheels in a folder that have a pinned hash, by their packages' names."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.whl")):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found |= {pin.name: content for pin in pins if digest in pin.hashes}
    return found


def _fetch(
    pins: Sequence[Pin], kept: Path, runtime: Runtime, systems: Sequence[str], architecture: str
) -> None:
    """Downloads wheels into a folder, where each one appears atomically."""
    kept.mkdir(parents=True, exist_ok=True)
    abi = f"cp{runtime.python[0]}{runtime.python[1]}"
    with tempfile.TemporaryDirectory(dir=kept) as fresh:
        lines = Path(fresh, "requirements.txt")
        lines.write_text("".join(f"{pin.line()}\n" for pin in pins))
        command = [
            *_PIP,
            *("download", "--quiet", "--no-input", "--disable-pip-version-check"),
            # The lock has all packages; pip would choose by this Python.
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--implementation", "cp", "--python-version", f"{runtime.python[0]}{abi[3:]}"),
            *(word for name in (abi, "abi3", "none") for word in ("--abi", name)),
            *(word for name in systems for word in ("--platform", name)),
            *("--dest", fresh, "--requirement", str(lines)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            output = done.stderr + done.stdout
            raise click.ClickException(_explained(output, pins, f"{runtime.name}, {architecture}"))
        for path in Path(fresh).glob("*.whl"):
            path.replace(kept / path.name)


def _explained(output: str, pins: Sequence[Pin], target: str) -> str:
    """One line about the cause of pip's failure."""
    _, mismatch, after = output.partition("DO NOT MATCH THE HASHES")
    if mismatch:
        text = after.lower().replace("_", "-")
        name = next((pin.name for pin in pins if f"{pin.name}==" in text), "a package")
        return f"{name}: what the package index sent has none of the hashes that the lock pins"
    names = ", ".join(pin.name for pin in pins)
    if _UNREACHABLE.search(output):
        return f"the package index cannot be reached, and {names} must be fetched from it"
    missing = re.search(r"No matching distribution found for (\S+)==(\S+)", output)
    if missing:
        return f"{missing[1]} {missing[2]} has no wheel for {target}"
    errors = [line for line in output.splitlines() if line.strip()] or ["it said nothing"]
    return f"pip could not fetch {names}: {errors[-1].strip()}"


def _unpack(pin: Pin, wheel: bytes, target: Path) -> None:
    """Writes a wheel's files into a folder. Raises ClickException for an existing file."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as packed:
        for name, relative in _unpacked(packed):
            path = target / relative
            if path.exists():
                raise click.ClickException(f"{pin.name} and another package both bring {relative}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed.read(name))


def _unpacked(packed: zipfile.ZipFile) -> Iterator[tuple[str, PurePosixPath]]:
    """A wheel's files and their unpacked paths: code among the data is moved to the other code."""
    for name in sorted(packed.namelist()):
        path = PurePosixPath(name)
        if name.endswith("/") or path.is_absolute() or ".." in path.parts:
            continue
        if path.parts[0].endswith(".data"):
            if path.parts[1] not in _INSTALLED:
                continue
            path = PurePosixPath(*path.parts[2:])
        if is_read(path):
            yield name, path
