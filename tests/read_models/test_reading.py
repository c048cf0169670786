"""Reading: patience with a projection that is behind, and one name for every question."""

from collections.abc import Callable, Iterator
from itertools import chain, repeat

import msgspec
import pytest

from chalicelib.domain.errors import (
    AccountNotFound,
    LedgerNotFound,
    ProjectionBehind,
    TransactionNotFound,
)
from chalicelib.read_models.reading import patiently
from tests.ask import QUERIES, Query, ask

OF_NOBODY = {"ledger": "nobody", "account": "bob"}
ASKED: dict[str, tuple[dict[str, str], type[Exception]]] = {
    "GetAccount": (OF_NOBODY, AccountNotFound),
    "ListAccounts": ({"ledger": "nobody"}, LedgerNotFound),
    "AccountBalance": (OF_NOBODY, AccountNotFound),
    "AccountEntries": (OF_NOBODY, AccountNotFound),
    "AccountStatement": (OF_NOBODY, AccountNotFound),
    "GetTransaction": ({"ledger": "nobody", "transaction": "t1"}, TransactionNotFound),
    "ListTransactions": ({"ledger": "nobody"}, LedgerNotFound),
    "TrialBalance": ({"ledger": "nobody"}, LedgerNotFound),
}
"""Every question, asked of a ledger in which nothing has happened, and what becomes of it."""


def answering(answers: Iterator[int | None]) -> Callable[[], int]:
    """A read that is answered by one of these at a time; None is a projection that is behind."""

    def read() -> int:
        answer = next(answers)
        if answer is None:
            raise ProjectionBehind(7)
        return answer

    return read


def test_a_read_waits_longer_each_time_until_the_projection_is_there() -> None:
    waits: list[float] = []

    found = patiently(answering(iter([None, None, None, 7])), sleep=waits.append)

    assert found == 7
    assert waits == [0.02, 0.04, 0.08]


def test_a_read_gives_up_before_it_has_waited_two_seconds() -> None:
    waits: list[float] = []

    with pytest.raises(ProjectionBehind) as behind:
        patiently(answering(chain(repeat(None, 100), [7])), sleep=waits.append)

    assert behind.value.min_version == 7
    assert len(waits) == 6
    assert 1 < sum(waits) <= 2


def test_a_read_that_finds_nothing_does_not_wait() -> None:
    def read() -> int:
        raise AccountNotFound("bob")

    waits: list[float] = []
    with pytest.raises(AccountNotFound):
        patiently(read, sleep=waits.append)
    assert waits == []


@pytest.mark.usefixtures("moto")
@pytest.mark.parametrize("name", QUERIES)
def test_every_question_has_an_answer_by_its_name(name: str) -> None:
    fields, expected = ASKED[name]
    query: Query = msgspec.convert(fields, type=QUERIES[name])

    with pytest.raises(expected):
        ask(query)


def test_the_questions_are_those_of_the_rooms() -> None:
    assert QUERIES.keys() == ASKED.keys()
    assert all(query.__name__ == name for name, query in QUERIES.items())
