"""Lines for the person at the terminal where `chalice local` was started."""

import sys
from pathlib import Path

_LABEL_WIDTH = 10


def say(label: str, text: str) -> None:
    """Prints a line: what it is about, in a column of its own, and what there is to say."""
    print(f"{label:<{_LABEL_WIDTH}} {text}", flush=True)


def fault(text: str) -> None:
    """Prints a line about something that is wrong."""
    print(f"twofold: {text}", file=sys.stderr, flush=True)


def operator_command() -> str:
    """The operator's command line, as a shell in this folder runs it."""
    script = Path(sys.executable).with_name("twofold")
    if not script.exists():
        return "python -m ops"
    here = Path.cwd()
    return str(script.relative_to(here) if script.is_relative_to(here) else script)
