"""The journals' own programs, and their output."""

import locale
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from journals.model import JournalError, Notices

_UNEXPORTED = {
    "P": "market price (`P`): not loaded; keep the journal for valuations",
    "~": "periodic transaction (`~`), a budget or forecast: not loaded; post what really happens",
}


def output_of(tool: str, *arguments: str) -> str:
    """The output of a program. Raises JournalError if it is not installed, or fails."""
    program = shutil.which(tool)
    if program is None:
        raise JournalError(f"{tool} is not installed; on Debian or Ubuntu: apt-get install {tool}")
    # Journals are in UTF-8, and hledger reads them in the encoding of the locale.
    is_utf8 = locale.getencoding().lower().replace("-", "") == "utf8"
    # The person's own program, on the file that they named.
    ran = subprocess.run(  # noqa: S603
        [program, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ if is_utf8 else {**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    if ran.returncode:
        raise JournalError(f"{tool} cannot read the journal: {_in_one_line(ran.stderr)}")
    return ran.stdout


def note_unexported(files: Iterable[Path], kinds: str, notices: Notices) -> None:
    """Adds notices of directives of these kinds, such as `~`, which a tool's exports leave out."""
    for file in files:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            if line[:1] in kinds and re.match(r"[P=~]\s", line):
                notices.add(_UNEXPORTED[line[0]], f"{file.name}:{number} {line}")


def _in_one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines)[:500] or "it gives no reason"
