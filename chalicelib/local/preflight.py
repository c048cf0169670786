"""Checks the Python, the port and the settings before `make run` does any work.

Runs as a script, without packages, by any Python from 3.6 on, so that an old one can be named:
`python3 chalicelib/local/preflight.py [PORT AUTH]`. Prints one line and exits with 1 if something
is wrong. Without a port and an authentication only the Python is checked.
"""

import sys
from pathlib import Path

OLDEST = (3, 11)
PROJECT = Path(__file__).resolve().parents[2]


def wrong_python() -> str:
    """What is wrong with this Python and what to do; empty if nothing is."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        what = f"this needs Python 3.11, 3.12 or 3.13; {sys.executable} is {version}"
        if Path(sys.prefix) == PROJECT / ".venv":
            return what + ": remove it (rm -r .venv) and run make again"
        return what + ": install one and name it, as in `make run PYTHON=python3.12`"
    try:
        import ensurepip  # noqa: F401  # Debian has it in a package of its own.
        import venv  # noqa: F401
    except ImportError:
        return (
            f"{sys.executable} cannot make virtual environments: install its venv module (Debian "
            f"and Ubuntu: apt install python{version.rpartition('.')[0]}-venv)"
        )
    return ""


def wrong_setting(port: str, auth: str) -> str:
    """What is wrong with the port or the settings and what to do; empty if nothing is."""
    sys.path[0] = str(PROJECT)
    from chalicelib import settings
    from chalicelib.local import ports

    if auth not in settings.AUTHENTICATION:
        kinds = ", ".join(settings.AUTHENTICATION)
        return f"AUTH is one of {kinds}, not {auth or 'empty'}; without it, it is none"
    try:
        settings.settings()
    except ValueError as error:
        return str(error)
    if not port.isascii() or not port.isdigit():
        return ports.out_of_range(port or "empty")
    return ports.check("127.0.0.1", int(port), "make run PORT={}") or ""


def main() -> int:
    """The exit status."""
    wrong = wrong_python() or (wrong_setting(*sys.argv[1:3]) if len(sys.argv) > 1 else "")
    if wrong:
        print("twofold: " + wrong, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
