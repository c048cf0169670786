"""What the engine keeps: whole or not at all, with its checkpoints, and never put over by less."""

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ministack.core.responses import AccountRegionScopedDict

from chalicelib.local.checkpoints import SavedCheckpoints
from chalicelib.local.persistence import Persistence
from tests.local.test_checkpoints import taken


class Engine:
    """An engine with one table, of one item, in a folder; and what was said of its books."""

    def __init__(self, folder: Path) -> None:
        self.holds = ""
        self.reported: list[str] = []
        self.books = Persistence(folder, self._state, self._restore, self.reported.append)

    def _state(self) -> Mapping[str, Any]:
        tables = AccountRegionScopedDict()
        item = {"hash": {"B": self.holds.encode()}, "text": {"S": self.holds}}
        tables.set_scoped("000000000000", "us-east-1", "events", {"items": {"a": item}})
        return {"tables": tables}

    def _restore(self, state: Mapping[str, Any]) -> None:
        table = state["tables"].get_scoped("000000000000", "us-east-1", "events")
        item = table["items"]["a"]
        assert item["hash"]["B"] == item["text"]["S"].encode()
        self.holds = item["text"]["S"]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine that has saved its books once."""
    engine = Engine(tmp_path)
    engine.books.load()
    engine.holds = "saved"
    assert engine.books.save()
    return engine


def of_next_start(folder: Path) -> Engine:
    """The engine that is started next."""
    engine = Engine(folder)
    engine.books.load()
    return engine


def test_what_is_saved_is_there_at_the_next_start(engine: Engine, tmp_path: Path) -> None:
    after = of_next_start(tmp_path)

    assert after.holds == "saved"
    assert engine.reported == after.reported == []
    assert [path.name for path in (tmp_path / "books").iterdir()] == ["dynamodb.json"]


def test_checkpoints_go_back_with_the_books(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.json"
    SavedCheckpoints(path, engine="1").set("accounts", "shard-1", taken(17, second=17))
    engine.books.save()
    SavedCheckpoints(path, engine="1").caught_up()
    SavedCheckpoints(path, engine="1").set("accounts", "shard-1", taken(99, second=99))

    of_next_start(tmp_path)

    assert SavedCheckpoints(path, engine="1").get("accounts", "shard-1") == "17"
    behind = SavedCheckpoints(path, engine="2", projectors=["accounts"]).behind_since
    assert behind == ""  # It was still to be fed from the beginning when the books were saved.


def test_books_without_checkpoints_are_behind_since_their_beginning(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoints.json"
    ahead = SavedCheckpoints(path, engine="1")
    ahead.set("accounts", "shard-1", taken(99, second=99))
    ahead.caught_up()

    of_next_start(tmp_path)

    assert not path.exists()
    assert SavedCheckpoints(path, engine="2").behind_since == ""
    assert engine.holds == "saved"


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_save_that_fails_is_told_once_keeps_the_old_books_and_may_be_tried_again(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    owner, name = {"write": (json, "dump"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[
        step
    ]
    engine.holds = "written later"
    with monkeypatch.context() as disk:
        disk.setattr(owner, name, full)
        assert [engine.books.save() for _ in range(3)] == [False] * 3

    [line] = engine.reported
    assert "could not be saved" in line
    assert "No space left on device" in line
    assert str(os.getpid()) in line
    assert "\n" not in line
    assert of_next_start(tmp_path).holds == "saved"
    assert [path.name for path in (tmp_path / "books").iterdir()] == ["dynamodb.json"]

    assert engine.books.save()

    assert "saved now" in engine.reported[-1]
    assert len(engine.reported) == 2
    assert of_next_start(tmp_path).holds == "written later"


def damage(text: str, how: str) -> bytes:
    """The text of saved books, damaged."""
    whole = json.loads(text)
    newer = {**whole, "__ministack_format__": whole["__ministack_format__"] + 1}
    return {
        "empty": b"",
        "cut-off": text.encode()[:-20],
        "overwritten": b"\x00\xff" * 100,
        "another": b"[]",
        "no-tables": json.dumps({**whole, "payload": {}}).encode(),
        "no-items": text.encode().replace(b'"items"', b'"stems"'),
        "newer": json.dumps(newer).encode(),
    }[how]


@pytest.mark.parametrize(
    "how", ["empty", "cut-off", "overwritten", "another", "no-tables", "no-items", "newer"]
)
def test_damaged_books_are_told_of_and_kept_beside_the_new_ones(
    engine: Engine, tmp_path: Path, how: str
) -> None:
    damaged = damage(engine.books.path.read_text(), how)
    engine.books.path.write_bytes(damaged)
    SavedCheckpoints(tmp_path / "checkpoints.json", engine="1").caught_up()

    after = of_next_start(tmp_path)
    after.holds = "written to new books"
    assert after.books.save()

    [line] = after.reported
    assert str(engine.books.path) in line
    assert "empty books" in line
    assert "\n" not in line
    [aside] = (tmp_path / "books").glob("dynamodb.json.damaged-*")
    assert aside.name in line
    assert aside.read_bytes() == damaged
    assert SavedCheckpoints(tmp_path / "checkpoints.json", engine="1").behind_since == ""
    later = of_next_start(tmp_path)
    assert (later.holds, later.reported) == ("written to new books", [])
