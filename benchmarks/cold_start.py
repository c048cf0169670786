"""Cold start: one Lambda's life up to its first answer, in a process that does nothing else.

`cold_start.py MODULE HANDLER EVENT` imports the handler and calls it once with the event in a file;
`cold_start.py floor CALLS` makes a bare botocore client and these calls, a list of methods and
parameters in a file. What it took is written to standard error; nothing is imported before the
clock runs that the Lambda would have to.
"""

import sys
import time
from typing import Any

began = time.perf_counter()


def _ours(module: str, handler: str, path: str) -> tuple[float, float]:
    import importlib
    import json
    from types import SimpleNamespace

    with open(path) as file:  # noqa: PTH123  # pathlib is for the Lambda to load, or not.
        event = json.load(file)
    called = getattr(importlib.import_module(module), handler)
    imported = time.perf_counter()
    answer = called(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000))
    answered = time.perf_counter()
    if isinstance(answer, dict) and answer.get("statusCode", 200) >= 300:
        raise SystemExit(f"refused: {answer}")
    return imported, answered


def _floor(path: str) -> tuple[float, float]:
    import json

    import botocore.session

    with open(path) as file:  # noqa: PTH123  # As above.
        calls = json.load(file)
    client: Any = botocore.session.get_session().create_client("dynamodb")
    imported = time.perf_counter()
    for method, parameters in calls:
        getattr(client, method)(**parameters)
    return imported, time.perf_counter()


if __name__ == "__main__":
    if sys.argv[1] == "floor":
        ready, done = _floor(sys.argv[2])
    else:
        ready, done = _ours(sys.argv[1], sys.argv[2], sys.argv[3])

    import json
    import resource
    from pathlib import Path

    memory = Path("/proc/self/status")
    peak = (
        [line.split()[1] for line in memory.read_text().splitlines() if "VmHWM" in line]
        if (memory.exists())
        else [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
    )
    found = {
        "import": (ready - began) * 1000,
        "first": (done - ready) * 1000,
        "megabytes": int(peak[0]) / 1024,
        "modules": len(sys.modules),
    }
    sys.stderr.write(json.dumps(found) + "\n")
