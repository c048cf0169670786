import pytest

from chalicelib.commands.execute import executor
from chalicelib.domain.account import OpenAccount


@pytest.mark.parametrize("engine", ["moto", "ministack", "dynamodb_local"])
def test_x(engine, request, ledger):
    request.getfixturevalue(engine)
    c = OpenAccount(ledger=ledger, account="a", asset="USD/2", normal_balance="debit")
    assert not executor().execute(c, actor="x").replayed
    assert executor().execute(c, actor="x").replayed
