"""Tables of production on an engine, with a ledger `acme` that has one dead letter."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from chalicelib import tables
from chalicelib.events import dead_letters
from chalicelib.events.dead_letters import Coordinates
from chalicelib.local.environment import TABLES
from chalicelib.read_models.accounts import GROUP
from chalicelib.settings import read_again
from tests import engines
from tests.domain.books import credit, debit, opening, posting
from tests.ops.audited import Keeper, project

PLACE = "acme/account/cash#0000000000000002"


@pytest.fixture
def production(
    spare_ministack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The endpoint of the tables of `prod`, and of empty ones of `dev`."""
    engines.forget(spare_ministack)
    monkeypatch.chdir(tmp_path)
    variables = {"TWOFOLD_ENVIRONMENT": "dev", "TWOFOLD_HOME": str(tmp_path / "home")}
    with patch.dict(os.environ, variables), engines.connected(spare_ministack):
        tables.create(TABLES)
        os.environ["TWOFOLD_ENVIRONMENT"] = "prod"
        read_again()
        tables.create(TABLES)
        write()
        add_dead_letter()
        yield spare_ministack
    read_again()


def write() -> None:
    """A small ledger, projected."""
    Keeper().do(
        opening("cash", min_balance=None, ledger="acme"),
        opening("alice", normal_balance="credit", ledger="acme"),
        posting("p1", debit("cash", 1000), credit("alice", 1000), ledger="acme"),
        posting("p2", debit("alice", 100), credit("cash", 100), ledger="acme"),
    )
    project()


def add_dead_letter() -> None:
    """Makes a dead letter of the ledger's second event of `cash`."""
    at = Coordinates("acme/account/cash", 2)
    dead_letters.add(GROUP.dead_letters, at, "balances", ValueError("no such column"))
