"""The locks pin everything, agree with each other and their sources, and are what is installed."""

import re
from importlib.metadata import distributions, version
from pathlib import Path

import click
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ops.lambda_runtimes import MACHINES, RUNTIMES, markers
from ops.pins import Pin, read
from ops.stages import PROJECT

SHIPPED, RUNNING, DEVELOPMENT = (
    PROJECT / f"requirements{which}.txt" for which in ("", "-run", "-dev")
)
HERE = {name: str(value) for name, value in default_environment().items()}


def asked_for(source: Path) -> list[Requirement]:
    """The direct requirements of an .in file and of those that it includes."""
    lines = [line.split("#")[0].strip() for line in source.read_text().splitlines()]
    found = []
    for line in filter(None, lines):
        if line.startswith("-r "):
            found += asked_for(source.parent / line.removeprefix("-r "))
        else:
            found.append(Requirement(line))
    return found


def versions(pins: list[Pin]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pin in pins:
        found.setdefault(pin.name, set()).add(pin.version)
    return found


@pytest.mark.parametrize("lock", [SHIPPED, RUNNING, DEVELOPMENT], ids=lambda path: path.name)
def test_every_package_of_a_lock_is_pinned_with_hashes(lock: Path) -> None:
    pins = read(lock)  # Raises for any that is not.

    assert pins
    for pin in pins:
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in pin.hashes), pin.name


@pytest.mark.parametrize("lock", [SHIPPED, RUNNING, DEVELOPMENT], ids=lambda path: path.name)
def test_a_lock_names_no_index_and_no_path(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|file:|(?<![\w.])/", text)


@pytest.mark.parametrize("lock", [SHIPPED, RUNNING, DEVELOPMENT], ids=lambda path: path.name)
def test_a_lock_has_what_its_source_asks_for(lock: Path) -> None:
    locked = versions(read(lock))

    asked = asked_for(lock.with_suffix(".in"))

    assert asked
    for requirement in asked:
        found = locked.get(canonicalize_name(requirement.name), set())
        assert found, f"make lock: {requirement.name} is missing in {lock.name}"
        assert all(map(requirement.specifier.contains, found)), f"make lock: {requirement}"


def test_what_runs_and_is_tested_has_the_versions_of_what_is_shipped() -> None:
    shipped, running, development = map(versions, map(read, (SHIPPED, RUNNING, DEVELOPMENT)))

    assert {name: running.get(name) for name in shipped} == shipped
    assert {name: development.get(name) for name in running} == running


def test_every_package_that_is_shipped_has_one_version_on_every_runtime() -> None:
    for runtime in RUNTIMES.values():
        for architecture in MACHINES:
            there = [pin for pin in read(SHIPPED) if pin.is_for(markers(runtime, architecture))]
            assert sorted(pin.name for pin in there) == sorted(versions(read(SHIPPED)))


def test_there_is_one_botocore() -> None:
    (botocore,) = versions(read(SHIPPED))["botocore"]

    assert versions(read(DEVELOPMENT))["boto3"] == {botocore}
    assert version("botocore") == version("boto3") == botocore


@pytest.mark.parametrize("lock", [SHIPPED, RUNNING, DEVELOPMENT], ids=lambda path: path.name)
def test_the_packages_of_a_lock_are_installed_here(lock: Path) -> None:
    pinned = {pin.name: pin.version for pin in read(lock) if pin.is_for(HERE)}

    installed = {
        canonicalize_name(each.name): each.version
        for each in distributions()
        if canonicalize_name(each.name) in pinned
    }

    assert installed == pinned, "make .venv/ready"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("six", "six is not pinned with =="),
        ("six>=1.17", "six is not pinned with =="),
        ("six==1.*", "six is not pinned with =="),
        ("six==1.17.0,!=1.18", "six is not pinned with =="),
        ("six==1.17.0", "six has no sha256 hash"),
        ("six==1.17.0 --hash=md5:00", "six has no sha256 hash"),
        ("-e ./clients/python", "requirements.txt: "),
    ],
)
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str, said: str) -> None:
    lock = tmp_path / "requirements.txt"
    hashed = "" if "--hash" in line or "hash" in said else f" --hash=sha256:{'0' * 64}"
    lock.write_text(f"# A comment.\n{line}{hashed}\n")

    with pytest.raises(click.ClickException, match=re.escape(said)):
        read(lock)


def test_a_pin_is_read_with_its_hashes_and_its_marker(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "Typing_Extensions==4.16.0 ; python_version < '3.13' \\\n"
        f"    --hash=sha256:{'1' * 64} \\\n"
        f"    --hash=sha256:{'0' * 64}\n"
        "    # via six\n"
    )

    (pin,) = read(lock)

    assert (pin.name, pin.version) == ("typing-extensions", "4.16.0")
    assert pin.hashes == {"0" * 64, "1" * 64}
    assert pin.is_for(markers(RUNTIMES["python3.12"], "x86_64"))
    assert not pin.is_for(markers(RUNTIMES["python3.13"], "x86_64"))
    assert pin.line() == (
        f"typing-extensions==4.16.0 --hash=sha256:{'0' * 64} --hash=sha256:{'1' * 64}"
    )
