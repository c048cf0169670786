"""Random requests to a live server, made from its own description (schemathesis): no failure on our
side, no status and no body that the description does not have.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.http.description import OPENAPI
from tests.local.server import steady_server
from tests.openapi.test_description import operations
from tests.soak import examples

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server on empty books."""
    with steady_server(tmp_path_factory.mktemp("project")) as url:
        yield url


def test_no_random_request_is_answered_as_is_not_described(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            SCHEMATHESIS,
            "--config-file",
            str(Path(__file__).with_name("schemathesis.toml")),
            "run",
            # Of the file, since it never asks the address that it has a document from.
            str(OPENAPI),
            "--url",
            url,
            "--checks",
            ",".join(CHECKS),
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            str(examples(3, 50)),
            "--seed",
            "1",
            "--continue-on-failure",
            # It times the server, which may wait for a processor here.
            "--suppress-health-check",
            "too_slow",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    # Every path with its methods, the three that describe the system included.
    assert f"Tested: {len(operations())}" in done.stdout, done.stdout[-2000:]
