"""What the tests of the restore share: an emulated AWS with every service."""

import sys
from collections.abc import Iterator

import pytest

from tests import engines


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an emulated AWS of this session."""
    port = engines.free_port()
    with engines.running(
        [sys.executable, "-m", "ministack"],
        f"http://127.0.0.1:{port}",
        cwd=tmp_path_factory.mktemp("cloud"),
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        LOG_LEVEL="WARNING",
    ) as endpoint:
        yield endpoint
