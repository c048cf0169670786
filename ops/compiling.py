"""Compiling: from a zip of Python modules on standard input to a zip of their bytecode.

A separate program, since bytecode depends on the strings that a process has interned before: a
fresh process makes the same bytecode of the same modules. It is marked as unchecked (PEP 552).
"""

import importlib.util
import io
import marshal
import sys
import zipfile
from pathlib import PurePosixPath

_UNCHECKED_HASH = 0b01


def bytecode(name: str, source: bytes) -> bytes:
    """A module's bytecode, as a .pyc file has it. Ends the program for a syntax error."""
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise SystemExit(f"{name}, line {error.lineno}: {error.msg}") from None
    return b"".join(
        [
            importlib.util.MAGIC_NUMBER,
            _UNCHECKED_HASH.to_bytes(4, "little"),
            importlib.util.source_hash(source),
            marshal.dumps(code),
        ]
    )


def main() -> None:
    """Compiles the zip on standard input."""
    compiled = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read())) as sources,
        zipfile.ZipFile(compiled, "w") as packed,
    ):
        for name in sources.namelist():
            path = PurePosixPath(name)
            cached = PurePosixPath(importlib.util.cache_from_source(path.name)).name
            packed.writestr(
                str(path.parent / "__pycache__" / cached), bytecode(name, sources.read(name))
            )
    sys.stdout.buffer.write(compiled.getvalue())


if __name__ == "__main__":
    main()
