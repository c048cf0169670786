"""The gateway: what it refuses by itself looks like everything else that is refused."""

from chalice.local import ForbiddenError, NotAuthorizedError
from chalice.test import Client

from app import app
from chalicelib.http.problems import STATUS, Problem
from chalicelib.local.http_server import problem_for


def test_a_path_that_no_route_serves_is_not_found() -> None:
    reply = Client(app).http.get("/ledgers/acme/surprises")
    refused = ForbiddenError(reply.headers, reply.body)

    problem = problem_for(refused)

    assert reply.status_code == ForbiddenError.CODE
    assert (problem.status, problem.code) == (404, "not_found")


def test_a_request_without_a_key_is_unauthorized() -> None:
    problem = problem_for(NotAuthorizedError({}, b'{"message": "Unauthorized"}'))

    assert (problem.status, problem.code) == (401, "unauthorized")
    assert problem.headers["WWW-Authenticate"] == 'Bearer realm="twofold"'


def test_only_a_401_says_how_to_authenticate() -> None:
    assert [
        code
        for code in STATUS
        if "WWW-Authenticate" in Problem(code, "for a reason of its own").headers
    ] == ["unauthorized"]
