"""Problem types: every code of the contract, with its HTTP status, meaning, cause and remedy.

The one table of codes. `http/problems.py` takes the statuses from it, `http/problem_pages.py`
serves a page for each code, and `python -m ops problems` writes the same into `docs/problems/`.
"""

from chalicelib.http.problem_types.failures import FAILURES
from chalicelib.http.problem_types.problem_type import ProblemType
from chalicelib.http.problem_types.refusals import REFUSALS
from chalicelib.http.problem_types.requests import REQUESTS

PROBLEM_TYPES: dict[str, ProblemType] = dict(
    sorted({**REQUESTS, **REFUSALS, **FAILURES}.items(), key=lambda each: each[1].status)
)
"""The problem type of each code, in the order of their statuses. Codes and statuses are part of the
contract."""

TYPE_URI = "https://twofold.dev/problems/{code}"
"""The `type` of a problem. A page of this path is on every API and in `docs/`."""


def title_of(code: str) -> str:
    """The `title` of a problem: its code as words."""
    return code.replace("_", " ").capitalize()
