"""The operator's command line: `twofold --help`, or `python -m ops --help`."""

from importlib.util import find_spec

if not all(map(find_spec, ("click", "pynamodb"))):
    raise SystemExit(
        "twofold: this Python does not have the project's packages; use .venv/bin/twofold, which "
        "`make .venv/run-ready` installs"
    )
