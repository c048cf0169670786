"""Guarded writes: the same rows, whether one request writes each or 25 of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib import tables
from chalicelib.events.dead_letters import is_transient
from chalicelib.read_models import guarded
from chalicelib.read_models.guarded import GuardedWrite
from chalicelib.read_models.transactions.table import TransactionRow
from tests.requests_sent import Requests, requests_sent


@pytest.fixture(params=["moto", "ministack", "dynamodb_local"])
def engine(request: pytest.FixtureRequest) -> str:
    """The tables, on an engine."""
    request.getfixturevalue(request.param)
    return str(request.param)


def row(ledger: str, number: int, version: int, **more: Any) -> TransactionRow:
    return TransactionRow(
        f"{ledger}/{number}",
        version=version,
        body=f"{number}: {version}",
        place="p",
        day_bucket="d",
        **more,
    )


def write_of(row: TransactionRow, *, is_first: bool = False) -> GuardedWrite:
    names = [name for name in TransactionRow.get_attributes() if name != "key"]
    version = TransactionRow.version
    newer = version.does_not_exist() | (version < row.version)
    return GuardedWrite(row, names, ("version",), is_first, partial(tables.saved, row, newer))


def stored(ledger: str, numbers: Sequence[int]) -> list[dict[str, Any]]:
    keys = [f"{ledger}/{number}" for number in numbers]
    return sorted((one.serialize() for one in TransactionRow.batch_get(keys)), key=str)


@contextmanager
def watched(edit: Callable[[Any], None] = lambda _: None) -> Iterator[Requests]:
    """The calls inside the block; `edit` changes what a batch is answered."""

    def answered(parsed: Any, **_: Any) -> None:
        edit(parsed)

    events = tables.connection().client.meta.events
    events.register("after-call.dynamodb.BatchExecuteStatement", answered)
    try:
        with requests_sent() as requests:
            yield requests
    finally:
        events.unregister("after-call.dynamodb.BatchExecuteStatement", answered)


@pytest.mark.usefixtures("engine")
def test_each_row_is_as_the_newest_of_all_writes_in_any_order(ledger: str) -> None:
    numbers = range(30)
    first = [write_of(row(ledger, n, 1, pending_bucket="x"), is_first=True) for n in numbers]
    third = [write_of(row(ledger, n, 3, reference_bucket="r")) for n in numbers]
    second = [write_of(row(ledger, n, 2, expires_at="z"), is_first=n % 2 == 0) for n in numbers]

    for number in range(0, 30, 3):  # Of a third of the rows the first write arrives last.
        first[number], third[number] = third[number], first[number]
    for writes in (first, second, third, first, second, third, third):
        guarded.write(writes)

    assert stored(ledger, numbers) == sorted(
        (row(ledger, n, 3, reference_bucket="r").serialize() for n in numbers), key=str
    )


@pytest.mark.usefixtures("engine")
def test_a_row_without_its_guard_is_overwritten(ledger: str) -> None:
    for number in range(2):
        row(ledger, number, 9).update([TransactionRow.body.set("old")])

    guarded.write([write_of(row(ledger, number, 1)) for number in range(2)])

    assert [each["version"] for each in stored(ledger, range(2))] == [{"N": "1"}] * 2


@pytest.mark.usefixtures("moto")
def test_on_moto_which_takes_a_failed_condition_for_success_each_row_is_a_request(
    ledger: str,
) -> None:
    with watched() as calls:
        guarded.write([write_of(row(ledger, number, 2)) for number in range(2)])

    assert [name for name, _ in calls] == ["PutItem", "PutItem"]


@pytest.mark.usefixtures("ministack")
class TestBatches:
    """What is sent, and what becomes of each statement's answer."""

    def test_there_are_25_statements_in_a_request(self, ledger: str) -> None:
        with watched() as calls:
            guarded.write([write_of(row(ledger, n, 1), is_first=True) for n in range(60)])

        assert sorted(len(sent["Statements"]) for _, sent in calls) == [10, 25, 25]

    def test_one_row_is_one_request_of_its_own(self, ledger: str) -> None:
        with watched() as calls:
            guarded.write([write_of(row(ledger, 1, 1), is_first=True)])

        assert [name for name, _ in calls] == ["PutItem"]

    def test_nothing_to_write_is_no_request(self) -> None:
        with watched() as calls:
            guarded.write([])

        assert calls == []

    def test_values_are_parameters_and_no_part_of_a_statement(self, ledger: str) -> None:
        hostile = "'}\"?; DROP -- \u00e9\U0001f600"
        for version in (1, 2):
            writes = [
                write_of(row(f"{ledger}{hostile}", n, version, expires_at=hostile), is_first=first)
                for first in (version == 1,)
                for n in range(2)
            ]
            with watched() as calls:
                guarded.write(writes)

            [(_, sent)] = calls
            for each in sent["Statements"]:
                assert ledger not in each["Statement"]
                assert len(each["Statement"]) < 8192
            assert [each["version"]["N"] for each in stored(f"{ledger}{hostile}", range(2))] == [
                str(version)
            ] * 2

    def test_large_rows_are_split_so_that_no_request_is_too_large(self, ledger: str) -> None:
        large = "\U0001f600" * 9_000  # 12 bytes each in JSON.
        writes = [
            write_of(row(ledger, n, 1, reference_bucket=large), is_first=True) for n in range(5)
        ]

        with watched() as calls:
            guarded.write(writes)

        assert [name for name, _ in calls].count("BatchExecuteStatement") == 2
        assert max(len(json.dumps(sent)) for _, sent in calls) < 300_000
        assert len(stored(ledger, range(5))) == 5

    def test_a_statement_that_is_superseded_is_not_done_again(self, ledger: str) -> None:
        guarded.write([write_of(row(ledger, n, 2), is_first=True) for n in range(4)])

        with watched() as calls:
            guarded.write([write_of(row(ledger, n, 2 if n else 3)) for n in range(4)])

        assert [name for name, _ in calls] == ["BatchExecuteStatement"]

    def test_rows_that_are_not_there_are_written_singly(self, ledger: str) -> None:
        with watched() as calls:
            guarded.write([write_of(row(ledger, n, 7)) for n in range(2)])

        assert [name for name, _ in calls] == ["BatchExecuteStatement", "PutItem", "PutItem"]
        assert len(stored(ledger, range(2))) == 2

    @pytest.mark.parametrize("code", sorted(guarded._TRANSIENT))
    def test_statements_that_are_busy_are_sent_again_with_the_others_left_out(
        self, ledger: str, code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        delays: list[float] = []
        monkeypatch.setattr("chalicelib.read_models.guarded.time.sleep", delays.append)
        busy = [2, 1]  # Of each answer, the statements that this befalls.

        def edit(parsed: Any) -> None:
            for place in range(busy.pop(0) if busy else 0):
                parsed["Responses"][place] = {"Error": {"Code": code}}

        guarded.write([write_of(row(ledger, n, 1), is_first=True) for n in range(5)])
        with watched(edit) as calls:
            guarded.write([write_of(row(ledger, n, 2)) for n in range(5)])

        sent = [(name, len(one.get("Statements", "-"))) for name, one in calls]
        assert sent == [("BatchExecuteStatement", 5), ("BatchExecuteStatement", 2), ("PutItem", 1)]
        assert len(delays) == 1
        assert [each["version"]["N"] for each in stored(ledger, range(5))] == ["2"] * 5

    def test_statements_that_stay_busy_are_written_singly(
        self, ledger: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chalicelib.read_models.guarded.time.sleep", lambda _: None)

        def edit(parsed: Any) -> None:
            parsed["Responses"] = [{"Error": {"Code": "ThrottlingError"}}] * len(
                parsed["Responses"]
            )

        with watched(edit) as calls:
            guarded.write([write_of(row(ledger, n, 1), is_first=True) for n in range(2)])

        assert [name for name, _ in calls] == ["BatchExecuteStatement"] * 4 + ["PutItem"] * 2

    @pytest.mark.parametrize(
        "code",
        ["AccessDenied", "ItemCollectionSizeLimitExceeded", "ResourceNotFound", "ValidationError"],
    )
    def test_the_error_of_a_statement_is_raised_by_the_single_write(
        self, ledger: str, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        def edit(parsed: Any) -> None:
            parsed["Responses"][0] = {"Error": {"Code": code, "Message": "why"}}

        def single() -> None:
            raise KeyError("its own error")

        writes = [write_of(row(ledger, n, 1), is_first=True) for n in range(2)]
        writes[0] = GuardedWrite(writes[0].row, writes[0].names, ("version",), True, single)
        with watched(edit), pytest.raises(KeyError, match="its own"):
            guarded.write(writes)

        assert f"{code}: why" in caplog.text

    def test_a_request_that_is_not_valid_is_done_singly_so_that_one_row_can_be_blamed(
        self, ledger: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "Batch")

        monkeypatch.setattr(tables.connection().client, "batch_execute_statement", refuse)
        with watched() as calls:
            guarded.write([write_of(row(ledger, n, 1), is_first=True) for n in range(2)])

        assert [name for name, _ in calls] == ["PutItem", "PutItem"]

    def test_a_request_that_fails_for_now_is_not_done_singly(
        self, ledger: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Batch")

        monkeypatch.setattr(tables.connection().client, "batch_execute_statement", refuse)
        with watched() as calls, pytest.raises(ClientError) as refused:
            guarded.write([write_of(row(ledger, n, 1), is_first=True) for n in range(2)])

        assert is_transient(refused.value)
        assert calls == []


def test_a_row_that_was_tampered_with_supersedes_only_by_a_number() -> None:
    write = write_of(row("acme", 1, 2))

    assert write.is_superseded_by({"version": {"N": "2"}})
    assert not write.is_superseded_by({"version": {"N": "1"}})
    assert not write.is_superseded_by({"version": {"S": "2"}})
    assert not write.is_superseded_by({})
