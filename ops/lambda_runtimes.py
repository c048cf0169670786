"""Lambda's runtimes: for which of AWS's Pythons a package can be made, and until when they last."""

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

    `glibc` is the version of the C library that its Amazon Linux has. From `deprecated` on AWS
    applies no more security patches, from `no_create` on it makes no new function with it, and
    from `no_update` on it changes none.
    """

    name: str
    python: tuple[int, int]
    glibc: tuple[int, int]
    deprecated: date
    no_create: date
    no_update: date


_AMAZON_LINUX_2, _AMAZON_LINUX_2023 = (2, 26), (2, 34)

# Dates and systems: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. The C
# libraries: https://aws.amazon.com/blogs/compute/python-3-12-runtime-now-available-in-aws-lambda/.
RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            "python3.11",
            (3, 11),
            _AMAZON_LINUX_2,
            deprecated=date(2027, 6, 30),
            no_create=date(2027, 7, 31),
            no_update=date(2027, 8, 31),
        ),
        Runtime(
            "python3.12",
            (3, 12),
            _AMAZON_LINUX_2023,
            deprecated=date(2028, 10, 31),
            no_create=date(2028, 11, 30),
            no_update=date(2029, 1, 10),
        ),
        Runtime(
            "python3.13",
            (3, 13),
            _AMAZON_LINUX_2023,
            deprecated=date(2029, 6, 30),
            no_create=date(2029, 7, 31),
            no_update=date(2029, 8, 31),
        ),
    )
}
"""The runtimes that a stage may be pinned to, by their names in Lambda."""


def runtime_named(name: str) -> Runtime:
    """The runtime of this name. Raises ClickException for one that is not in the table."""
    if name not in RUNTIMES:
        raise click.ClickException(
            f"{name} is no runtime that this is packaged for; choose one of {', '.join(RUNTIMES)}"
        )
    return RUNTIMES[name]


def notice(runtime: Runtime, today: date) -> str | None:
    """What there is to say of a runtime's age on this day; None in good time."""
    if today >= runtime.no_update:
        return f"{runtime.name}: AWS updates no function with it since {runtime.no_update}"
    if today >= runtime.no_create:
        return f"{runtime.name}: AWS creates no function with it since {runtime.no_create}"
    if today >= runtime.deprecated:
        return f"{runtime.name}: AWS has applied no security patches since {runtime.deprecated}"
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
    """The variables of PEP 508 as they are there."""
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
