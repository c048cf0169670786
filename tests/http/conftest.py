"""The app on moto."""

from collections.abc import Iterator

import pytest

from tests.http.api import Api, client


@pytest.fixture
def api(moto: None, ledger: str) -> Iterator[Api]:  # noqa: ARG001  # Asked for its tables.
    """A ledger of one's own over HTTP."""
    made = client()
    yield Api(next(made), ledger)
    made.close()  # type: ignore[attr-defined]  # A generator, which ends its `with` here.


@pytest.fixture
def funded(api: Api) -> Api:
    """A ledger whose alice has 1000, out of cash."""
    api.open("cash", normal_balance="debit", min_balance=None)
    api.open("alice", metadata={"name": "Alice"})
    assert api.transfer("first", "cash", "alice", "1000", reference="gift").status_code == 201
    return api
