"""What all tests share: an environment without AWS, the engines, a ledger of one's own."""

import os

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    TWOFOLD_AUTH="none",
    TWOFOLD_ENVIRONMENT="test",
    POWERTOOLS_METRICS_DISABLED="true",
    POWERTOOLS_LOG_LEVEL="CRITICAL",
)
os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB", None)

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from chalicelib import tables
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.stack import TABLES
from tests import engines

_ledgers = count(1)

# Where tests run, an engine may be slow for want of a processor.
tables.READ_TIMEOUT_SECONDS = 20.0


@pytest.fixture
def ledger() -> str:
    """A ledger that no other test uses, so that tables can be shared."""
    return f"ledger-{os.getpid()}-{next(_ledgers)}"


@pytest.fixture(scope="module")
def moto() -> Iterator[None]:
    """Tables on moto."""
    with engines.moto():
        yield


@pytest.fixture(scope="session")
def ministack_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a ministack of this session, with all tables."""
    with engines.ministack(tmp_path_factory.mktemp("engine")) as endpoint:
        with engines.connected(endpoint):
            tables.create(TABLES)
            ensure_sealing_key()
        yield endpoint


@pytest.fixture
def ministack(ministack_endpoint: str) -> Iterator[str]:
    """Tables on ministack, a real process."""
    with engines.connected(ministack_endpoint):
        yield ministack_endpoint


@pytest.fixture(scope="session")
def spare_ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of another ministack of this session, which tests have to themselves in turn."""
    with engines.ministack(tmp_path_factory.mktemp("spare")) as endpoint:
        yield endpoint


@pytest.fixture
def empty_ministack(spare_ministack: str) -> Iterator[str]:
    """A ministack with nothing in its tables, on which nobody else works; its endpoint."""
    engines.forget(spare_ministack)
    with engines.connected(spare_ministack):
        tables.create(TABLES)
        yield spare_ministack


@pytest.fixture(scope="session")
def dynamodb_local_endpoint() -> Iterator[str | None]:
    """The endpoint of a DynamoDB Local of this session, with all tables, or None."""
    cache = Path.home() / ".cache" / "twofold" / "dynamodb-local"
    with engines.dynamodb_local(cache) as endpoint:
        if endpoint is not None:
            with engines.connected(endpoint):
                tables.create(TABLES)
                ensure_sealing_key()
        yield endpoint


@pytest.fixture
def dynamodb_local(dynamodb_local_endpoint: str | None) -> Iterator[str]:
    """Tables on DynamoDB Local."""
    if dynamodb_local_endpoint is None:
        pytest.skip("DynamoDB Local needs java and npm")
    with engines.connected(dynamodb_local_endpoint):
        yield dynamodb_local_endpoint
