"""The independent fold: it agrees with what projectors write, and finds what the audit cannot."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.events.table import EventItem
from chalicelib.http.bodies import account_body
from chalicelib.ledger.aggregates import account_state
from chalicelib.read_models import ledgers
from chalicelib.read_models.balances import projector as balances
from chalicelib.read_models.statements import projector as statements
from chalicelib.read_models.totals import table as totals
from chalicelib.read_models.transactions import projector as transactions
from ops import independent
from ops.independent.check import wrong_events, wrong_rows
from ops.verifying.raw import all_items
from ops.verifying.read_models import READ_MODELS, stored_rows
from tests import engines
from tests.ops.audited import audited, delete, items, project, said, write
from tests.projected import forget_written

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def books() -> Iterator[None]:
    """A ledger in which everything happened, on moto."""
    with engines.moto():
        write("acme")
        yield


def wrong() -> list[str]:
    """What the independent fold finds."""
    events = list(all_items(EventItem))
    return [*wrong_events(events), *wrong_rows(events, stored_rows())]


def balance_without_holds(*arguments: Any) -> Any:
    body = account_body(*arguments)
    return msgspec.structs.replace(body, available=body.posted)


def statement_of_the_debits(event: Any) -> Any:
    row = _statement_row(event)
    row.balance = account_state(event).debits
    return row


def transaction_on_another_day(event: Any) -> Any:
    row = _transaction_row(event)
    row.day_bucket = row.day_bucket.replace("/2026", "/2025")
    return row


_statement_row = statements.row
_transaction_row = transactions.row

WRONG: dict[str, tuple[Any, str, Any]] = {
    "accounts_ledgers": (ledgers, "place_of", lambda ledger, asset: f"{ledger} {asset.lower()}"),
    "journal_ledgers": (ledgers, "place_of", lambda ledger, asset: f"{ledger} {asset.lower()}"),
    "balances": (balances, "account_body", balance_without_holds),
    "statements": (statements, "row", statement_of_the_debits),
    "transactions": (transactions, "row", transaction_on_another_day),
    "totals": (totals, "bucket_of", lambda *_: 0),
}
"""For each read model a function that makes its rows, and a wrong one in its place."""


@pytest.mark.usefixtures("books")
def test_rows_of_every_kind_of_event_agree_and_wrong_builders_pass_the_audit_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project()
    assert wrong() == []
    assert all(len(rows) > 0 for rows in stored_rows().values())

    for table in (model.table for model in READ_MODELS.values()):
        for row in items(table):
            delete(table, row)
    forget_written()
    for builder in WRONG.values():
        monkeypatch.setattr(*builder)
    project()

    assert said(audited()) == []
    assert {one.split(":")[0] for one in wrong()} == set(WRONG) == set(READ_MODELS)


def test_the_independent_fold_imports_nothing_of_twofold_but_itself() -> None:
    for path in Path(independent.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            for imported in names:
                of_twofold = imported.split(".")[0] in ("chalicelib", "ops", "tests")
                assert not of_twofold or imported.startswith("ops.independent"), (path, imported)
