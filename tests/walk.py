"""A walk through the code: which files and functions of chalicelib a call enters, and how often it
changes from one file to another.

A function is a code object: a comprehension is one of its own (before Python 3.12), and a generator
counts once. A switch is a call that enters another file than the call before it did: the list of
all calls, in their order, is what a reader follows from top to bottom. Returns are not counted, and
frames of libraries in between are not seen.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType

import chalicelib

_ROOT = Path(chalicelib.__file__).parent


@dataclass
class Walk:
    """The calls of code objects of chalicelib, in their order."""

    calls: list[CodeType] = field(default_factory=list)

    @property
    def files(self) -> set[str]:
        """The files that were entered, relative to chalicelib."""
        return {_file(code) for code in self.calls}

    @property
    def functions(self) -> set[str]:
        """The functions that were entered, as `file:line name`."""
        return {f"{_file(one)}:{one.co_firstlineno} {one.co_qualname}" for one in self.calls}

    @property
    def switches(self) -> int:
        """How many calls enter another file than the call before."""
        return sum(one.co_filename != after.co_filename for one, after in pairwise(self.calls))


def walked(call: Callable[[], object]) -> Walk:
    """Calls it once, and says which way it took."""
    walk = Walk()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(_ROOT)):
            walk.calls.append(frame.f_code)

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return walk


def _file(code: CodeType) -> str:
    return str(Path(code.co_filename).relative_to(_ROOT))
