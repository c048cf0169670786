"""A walk through the code: which files and functions of chalicelib a call enters, and how often it
changes from one file to another.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType

import chalicelib

_COMPREHENSIONS = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}

_ROOT = str(Path(chalicelib.__file__).parent)


@dataclass
class Walk:
    """The code objects of chalicelib that were entered. `switches` counts calls and returns between
    two of them that lie in different files. Frames of libraries in between are not seen.
    """

    codes: set[CodeType] = field(default_factory=set)
    switches: int = 0

    @property
    def files(self) -> set[str]:
        """The files that were entered, relative to chalicelib."""
        return {_file(code) for code in self.codes}

    @property
    def functions(self) -> set[str]:
        """The functions that were entered, as `file:line name`; a comprehension, which is a code
        object of its own before Python 3.12, belongs to the function that it is in.
        """
        return {
            f"{_file(one)}:{one.co_firstlineno} {one.co_qualname}"
            for one in self.codes
            if one.co_name not in _COMPREHENSIONS
        }


def walked(call: Callable[[], object]) -> Walk:
    """Calls it once, and says which way it took."""
    walk, open_files = Walk(), list[str]()

    def profile(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(_ROOT):
            return
        if event == "call":
            walk.codes.add(code)
            walk.switches += bool(open_files) and open_files[-1] != code.co_filename
            open_files.append(code.co_filename)
        elif event == "return":
            open_files.pop()
            walk.switches += bool(open_files) and open_files[-1] != code.co_filename

    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
    return walk


def _file(code: CodeType) -> str:
    return str(Path(code.co_filename).relative_to(_ROOT))
