"""Strong reads over HTTP: asked for by a parameter, and refused by one where a stage has none."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.settings import settings, using
from tests.http.api import Api, assert_problem, client

PATHS = ("/accounts/alice", "/transactions/first")


@pytest.fixture
def api(moto: None, ledger: str) -> Iterator[Api]:  # noqa: ARG001  # Asked for its tables.
    """A ledger over HTTP in which a transaction was posted that no projector has seen."""
    made = client()
    found = Api(next(made), ledger)
    found.open("cash", normal_balance="debit", min_balance=None)
    found.open("alice", metadata={"name": "Alice"})
    assert found.transfer("first", "cash", "alice", "1000").status_code == 201
    yield found
    made.close()  # type: ignore[attr-defined]  # A generator, which ends its `with` here.


@pytest.fixture
def strong() -> Iterator[None]:
    """A stage that may read the event table."""
    with using(replace(settings(), strong_reads=True)):
        yield


@pytest.fixture
def plain() -> Iterator[None]:
    """A stage that reads its own tables only."""
    with using(replace(settings(), strong_reads=False)):
        yield


@pytest.mark.usefixtures("strong")
@pytest.mark.parametrize("path", PATHS)
def test_a_strong_answer_is_byte_for_byte_what_the_room_will_say(api: Api, path: str) -> None:
    assert api.get(path).status_code == 404

    strong = api.get(f"{path}?consistency=strong&min_version=1")
    api.project()
    eventual = api.get(f"{path}?consistency=eventual&min_version=1")

    assert strong.status_code == eventual.status_code == 200
    assert strong.body == eventual.body


@pytest.mark.usefixtures("strong")
def test_a_strong_read_of_a_version_to_come_asks_to_come_again(api: Api) -> None:
    reply = api.get("/accounts/alice?consistency=strong&min_version=9")

    assert_problem(reply, 503, "projection_behind")
    assert int(reply.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("strong")
def test_a_strong_read_of_nothing_is_not_found(api: Api) -> None:
    for path, code in [
        ("/accounts/nobody", "account_not_found"),
        ("/transactions/never", "transaction_not_found"),
    ]:
        problem = assert_problem(api.get(f"{path}?consistency=strong&min_version=1"), 404, code)
        assert "arrived" not in problem["detail"]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("path", PATHS)
def test_a_stage_without_strong_reads_says_which_field_it_refuses(api: Api, path: str) -> None:
    body = assert_problem(api.get(f"{path}?consistency=strong"), 400, "validation_failed")

    assert "consistency" in body["detail"]


@pytest.mark.usefixtures("strong")
@pytest.mark.parametrize("path", PATHS)
def test_another_consistency_is_refused(api: Api, path: str) -> None:
    body = assert_problem(api.get(f"{path}?consistency=best"), 400, "validation_failed")

    assert "consistency" in body["detail"]
