"""Gateway: what API Gateway answers by itself, answered alike by `chalice local`.

A path that no route serves never reaches the app: Chalice's local gateway refuses it as API
Gateway does by default. A deployed stage maps those answers to problems by its gateway responses;
here it is done to the development server.
"""

from chalice.local import ForbiddenError, LocalGatewayException

from chalicelib.http.problems import Problem

_NO_SUCH_PATH = (b"Missing Authentication Token", b"Authorization header requires")
"""API Gateway's words for a path that it does not know, without and with a key."""


def problem_for(error: LocalGatewayException) -> Problem:
    """The problem that stands for what the gateway refused."""
    body = error.body or b""
    if isinstance(error, ForbiddenError) and any(words in body for words in _NO_SUCH_PATH):
        return Problem("not_found", "there is no such path")
    # Without a key, or refused by the authorizer, which refuses only keys that it does not know.
    return Problem("unauthorized", "this needs a valid key")
