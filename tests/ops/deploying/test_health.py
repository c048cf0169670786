"""The call of a stage's /health, and its address."""

import json
from collections.abc import Iterator

import click
import pytest

from ops.deploying.health import ADDRESS, address, check

RIGHT = json.dumps({"status": "ok", "serves": ["write"], "version": "1.0"}).encode()
OLD = json.dumps({"status": "ok", "serves": ["write"], "version": "0.9"}).encode()
OTHER = json.dumps({"status": "ok", "serves": ["accounts"], "version": "1.0"}).encode()
OUTPUTS = {"EndpointURL": "https://abc.execute-api.eu-west-1.amazonaws.com/v1/", "RestAPIId": "abc"}


def test_an_address_has_no_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    assert address(OUTPUTS) == "https://abc.execute-api.eu-west-1.amazonaws.com/v1"


def test_where_names_are_not_resolved_an_address_follows_a_pattern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ADDRESS, "http://proxy/{api}/{stage}")
    assert address(OUTPUTS) == "http://proxy/abc/v1"


def test_an_api_that_is_not_up_yet_is_asked_again() -> None:
    answers: Iterator[tuple[int, bytes]] = iter(
        [(0, b"no such host"), (403, b"{}"), (200, b"<html>"), (200, OLD), (200, RIGHT)]
    )
    asked = []

    def get(url: str) -> tuple[int, bytes]:
        asked.append(url)
        return next(answers)

    check("https://api/v1", ("write",), "1.0", get)

    assert asked == ["https://api/v1/health"] * 5


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [(500, b"boom", "500 boom"), (200, OLD, "0.9"), (200, OTHER, "accounts"), (0, b"no", "0 no")],
)
def test_an_api_that_does_not_answer_as_it_should_is_an_error_with_its_last_answer(
    status: int, body: bytes, words: str
) -> None:
    with pytest.raises(click.ClickException) as failed:
        check("https://api/v1", ("write",), "1.0", lambda _: (status, body))
    assert words in failed.value.message
    assert "https://api/v1/health" in failed.value.message
