"""Benchmarks: what Twofold costs and how fast it is, next to what a user could pick instead.

`make bench` runs every part and writes `docs/performance.md`; `python -m benchmarks PART` runs one.
"""

import os

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TWOFOLD_AUTH": "none",
    "TWOFOLD_ENVIRONMENT": "bench",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
"""What every process of a benchmark has, unless it was told otherwise. Read by `chalicelib` when it
is imported, so it is set before."""

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
