"""Checkpoints: what is remembered of a stream over a reload, and over the end of its engine."""

import threading
from pathlib import Path
from typing import Any

import pytest

from chalicelib.local.checkpoints import SavedCheckpoints


def taken(sequence: int, second: int = 0) -> dict[str, Any]:
    """A record that was delivered, created in this second of 2026."""
    created = 1767225600 + second
    return {
        "dynamodb": {"SequenceNumber": str(sequence), "ApproximateCreationDateTime": created},
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.json"


def test_a_checkpoint_survives_a_reload(path: Path) -> None:
    before = SavedCheckpoints(path, engine="1")
    before.set("accounts", "shard-1", taken(17))
    before.set("accounts", "shard-1", taken(18))
    before.set("accounts", "shard-2", taken(5))
    before.set("journal", "shard-1", taken(3))

    after = SavedCheckpoints(path, engine="1")

    assert after.get("accounts", "shard-1") == "18"
    assert after.get("accounts", "shard-2") == "5"
    assert after.get("journal", "shard-1") == "3"
    assert after.get("journal", "shard-2") is None


def test_books_that_no_reader_has_seen_are_behind_since_their_beginning(path: Path) -> None:
    assert SavedCheckpoints(path, engine="1").behind_since == ""


def test_a_new_engine_has_another_stream_and_is_behind_since_the_slowest_reader(
    path: Path,
) -> None:
    before = SavedCheckpoints(path, engine="1")
    before.set("accounts", "shard-1", taken(90, second=90))
    before.set("journal", "shard-1", taken(30, second=30))

    after = SavedCheckpoints(path, engine="2")

    assert after.get("accounts", "shard-1") is None
    assert after.get("journal", "shard-1") is None
    assert after.behind_since is not None
    assert after.behind_since <= "2026-01-01T00:00:30.000000Z"


def test_a_reader_that_took_nothing_of_an_engine_is_still_behind_since_the_engine_before(
    path: Path,
) -> None:
    first = SavedCheckpoints(path, engine="1")
    first.set("accounts", "shard-1", taken(1, second=1))
    first.set("journal", "shard-1", taken(1, second=1))
    second = SavedCheckpoints(path, engine="2")
    second.set("journal", "shard-1", taken(9, second=3600))

    third = SavedCheckpoints(path, engine="3")

    assert third.behind_since is not None
    assert third.behind_since <= "2026-01-01T00:00:01.000000Z"


def test_a_checkpoint_that_is_cut_off_while_it_is_written_leaves_the_last_one_and_stops_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = SavedCheckpoints(path, engine="1")
    checkpoints.set("accounts", "shard-1", taken(17))
    write = Path.write_text

    def cut_off(path: Path, text: str, *arguments: Any, **options: Any) -> int:
        write(path, text[: len(text) // 2], *arguments, **options)
        raise OSError("no space left")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", cut_off)
        checkpoints.set("accounts", "shard-1", taken(18))

    assert checkpoints.get("accounts", "shard-1") == "18"
    assert SavedCheckpoints(path, engine="1").get("accounts", "shard-1") == "17"
    assert list(path.parent.iterdir()) == [path]

    checkpoints.set("accounts", "shard-1", taken(19))

    assert SavedCheckpoints(path, engine="1").get("accounts", "shard-1") == "19"


def test_two_servers_of_one_engine_can_both_remember_how_far_they_have_come(path: Path) -> None:
    both = threading.Barrier(2)
    errors: list[Exception] = []

    def serve() -> None:
        try:
            checkpoints = SavedCheckpoints(path, engine="1")
            both.wait()
            for sequence in range(1, 500):
                checkpoints.set("accounts", "shard-1", taken(sequence))
        except Exception as error:  # noqa: BLE001  # Handed to the test, whatever it is.
            errors.append(error)

    servers = [threading.Thread(target=serve) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()

    assert errors == []
    assert SavedCheckpoints(path, engine="1").get("accounts", "shard-1") == "499"
