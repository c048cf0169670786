"""ELF: whether a compiled file runs on a Lambda, by its header, its name and its symbols."""

import re
from pathlib import Path

from ops.lambda_runtimes import Runtime

# The numbers of processors in an ELF header (e_machine), by Linux's names.
_MACHINES = {"x86_64": 62, "aarch64": 183}
_HEADER_BYTES = 20
_64_BIT = 2

# Linux extension modules are named for one CPython, for the stable ABI, or for nothing at all.
_CPYTHON = re.compile(r"\.cpython-(\d+)-(\w+?)-linux-gnu\.so$")
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)")


def complaint(path: Path, runtime: Runtime, machine: str) -> str | None:
    """Why a shared object does not load in a runtime on a machine; None if it does.

    `machine` is Linux's name of the processor, such as "aarch64".
    """
    content = path.read_bytes()
    if len(content) < _HEADER_BYTES or content[:4] != b"\x7fELF" or content[4] != _64_BIT:
        return "it is no 64-bit ELF file"
    number = int.from_bytes(content[18:20], "little")
    if number != _MACHINES[machine]:
        names = {value: name for name, value in _MACHINES.items()}
        return f"it is for {names.get(number, f'machine {number}')}"
    named = _CPYTHON.search(path.name)
    if named and named[1] != f"{runtime.python[0]}{runtime.python[1]}":
        return f"it is for CPython {named[1]}"
    if named and named[2] != machine:
        return f"its name says {named[2]}"
    newest = max(
        ((int(major), int(minor)) for major, minor in _GLIBC.findall(content)), default=(0, 0)
    )
    major, minor = runtime.glibc
    if newest > runtime.glibc:
        return f"it needs glibc {newest[0]}.{newest[1]}, not {major}.{minor}"
    return None
