"""What the clients' tests share: a running server, a ledger on it, and a troubled way there."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import twofold
from twofold import Ledger

from tests.clients import typescript
from tests.clients.troubled import Troubled, troubled
from tests.local.server import steady_server

Connect = Callable[..., Ledger]
"""Makes a Ledger, as the class does."""


@pytest.fixture(scope="package")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a `chalice local` that these tests share, each with a ledger of its own."""
    with steady_server(tmp_path_factory.mktemp("project")) as url:
        yield url


@pytest.fixture(scope="session")
def node() -> Iterator[typescript.Node]:
    """A Node process with the TypeScript client."""
    node = typescript.Node(typescript.built())
    yield node
    node.close()


@pytest.fixture(params=["python", "typescript"])
def connect(request: pytest.FixtureRequest) -> Any:
    """A Ledger of the Python client, and one of the TypeScript client: tests run on both."""
    if request.param == "python":
        return twofold.Ledger
    return partial(typescript.Ledger, request.getfixturevalue("node"))


@pytest.fixture
def books(connect: Connect, url: str, ledger: str) -> Iterator[Ledger]:
    """A client of a ledger with a till, which has no limit, and a customer."""
    with connect(ledger, url) as books:
        books.accounts.open("cash", asset="USD/2", normal_balance="debit", min_balance=None)
        books.accounts.open("alice", asset="USD/2", normal_balance="credit")
        yield books


@pytest.fixture
def line(url: str) -> Iterator[Troubled]:
    """A way to the running server on which things happen."""
    with troubled(url) as line:
        yield line
