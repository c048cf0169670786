"""Lambda's runtimes: the Pythons that a package can be made for, and their end of support."""

from dataclasses import dataclass
from datetime import date

import click
from packaging.tags import Tag, compatible_tags, cpython_tags

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names of its architectures, and Linux's."""

_OLDEST_GLIBC_MINOR = {"x86_64": 5, "aarch64": 17}  # Of manylinux1 and manylinux2014.
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True)
class Runtime:
    """One runtime.

    `glibc` is the version of its C library. AWS applies no more security patches from `deprecated`
    on, creates no more functions with it from `no_create` on, and updates none from `no_update` on.
    """

    name: str
    python: tuple[int, int]
    glibc: tuple[int, int]
    deprecated: date
    no_create: date
    no_update: date


# Dates and systems: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. The C
# libraries: https://aws.amazon.com/blogs/compute/python-3-12-runtime-now-available-in-aws-lambda/.
_MINOR_VERSIONS = {
    11: ((2, 26), "2027-06-30", "2027-07-31", "2027-08-31"),
    12: ((2, 34), "2028-10-31", "2028-11-30", "2029-01-10"),
    13: ((2, 34), "2029-06-30", "2029-07-31", "2029-08-31"),
}

RUNTIMES = {
    f"python3.{minor}": Runtime(
        f"python3.{minor}", (3, minor), glibc, *map(date.fromisoformat, dates)
    )
    for minor, (glibc, *dates) in _MINOR_VERSIONS.items()
}
"""The runtimes that a stage may be pinned to, by their names in Lambda."""


def runtime_named(name: str) -> Runtime:
    """The runtime of this name. Raises ClickException for an unknown one."""
    if name not in RUNTIMES:
        raise click.ClickException(
            f"{name} is no runtime that this is packaged for; choose one of {', '.join(RUNTIMES)}"
        )
    return RUNTIMES[name]


def notice(runtime: Runtime, today: date) -> str | None:
    """A warning about a runtime's end of support on this day, if it is near or past."""
    for since, what in (
        (runtime.no_update, "AWS updates no function with it"),
        (runtime.no_create, "AWS creates no function with it"),
        (runtime.deprecated, "AWS has applied no security patches"),
    ):
        if today >= since:
            return f"{runtime.name}: {what} since {since}"
    if (runtime.deprecated - today).days <= 180:
        return f"{runtime.name}: AWS ends its support on {runtime.deprecated}"
    return None


def platforms(runtime: Runtime, architecture: str) -> list[str]:
    """The platform tags of compiled wheels that run there (PEP 600), best first.

    Raises ClickException for an architecture that Lambda does not have.
    """
    if architecture not in MACHINES:
        raise click.ClickException(
            f"Lambda has no architecture {architecture}; choose one of {', '.join(MACHINES)}"
        )
    machine, (major, newest) = MACHINES[architecture], runtime.glibc
    found = []
    for minor in range(newest, _OLDEST_GLIBC_MINOR[machine] - 1, -1):
        found.append(f"manylinux_{major}_{minor}_{machine}")
        if minor in _LEGACY:
            found.append(f"{_LEGACY[minor]}_{machine}")
    return found


def supported_tags(runtime: Runtime, architecture: str) -> frozenset[Tag]:
    """The tags of all wheels that run there (PEP 425)."""
    systems, python = platforms(runtime, architecture), runtime.python
    abi = f"cp{python[0]}{python[1]}"
    return frozenset(
        [
            *cpython_tags(python, abis=[abi], platforms=systems),
            *compatible_tags(python, interpreter=abi, platforms=systems),
        ]
    )


def markers(runtime: Runtime, architecture: str) -> dict[str, str]:
    """The variables of PEP 508 on that runtime."""
    version = f"{runtime.python[0]}.{runtime.python[1]}"
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "os_name": "posix",
        "platform_machine": MACHINES[architecture],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
        "extra": "",
    }
