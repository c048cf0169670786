"""Contestant: django-hordak on PostgreSQL, the relational alternative of a Python team.

Run by an interpreter of its own, which has the packages. A transfer locks both accounts, asks the
balance and makes hordak's transaction of two legs; `unchecked` leaves the lock and the question
out, for those whose accounts have no limit.
"""

# ruff: noqa: E402  # Django takes its settings before its models can be imported.
# mypy: disable-error-code="import-not-found"
# The packages are in an environment of their own.

import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.stores.worker import Refused, serve

URL, MODE = sys.argv[1], sys.argv[2]

import django
from django.conf import settings

_host, _port, _user, _name = URL.split(":")
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _host,
            "PORT": _port,
            "USER": _user,
            "NAME": _name,
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_CURRENCY="USD",
    CURRENCIES=["USD"],
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from hordak.models import Account, AccountType, Leg, Transaction
from moneyed import Money

_AT_ONCE = 1000


class Hordak:
    """Liabilities, whose balance is what they were credited less what they were debited."""

    conflicts = 0

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def template(self) -> None:
        """Makes the tables, and the account that all histories are paid from."""
        call_command("migrate", verbosity=0)
        _open("cash", AccountType.asset)

    def keys(self, accounts: Sequence[str]) -> list[str]:
        """None of them has one."""
        return list(accounts)

    def fill(self, accounts: Sequence[str], events: int) -> None:
        """Accounts with so many legs each."""
        cash = Account.objects.get(name="cash")
        for name in accounts:
            account = _open(name, AccountType.liability)
            for start in range(0, events, _AT_ONCE):
                with transaction.atomic():
                    made = Transaction.objects.bulk_create(
                        [Transaction() for _ in range(min(_AT_ONCE, events - start))]
                    )
                    paid = Money(1, "USD")
                    Leg.objects.bulk_create(
                        [
                            leg
                            for one in made
                            for leg in (
                                Leg(transaction=one, account=cash, debit=paid),
                                Leg(transaction=one, account=account, credit=paid),
                            )
                        ]
                    )

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # As PostgreSQL does by itself, only later.

    def transfer(self, source: str, target: str, id: str) -> None:
        """One database transaction."""
        amount = Money("0.01", "USD")
        with transaction.atomic():
            if MODE == "unchecked":
                accounts = {account.name: account for account in self._of(source, target)}
            else:
                locked = self._of(source, target).select_for_update().order_by("pk")
                accounts = {account.name: account for account in locked}
                if accounts[source].get_simple_balance()["USD"] < amount:
                    raise Refused
            # Of two liabilities: the first is debited and the second credited.
            accounts[target].transfer_to(accounts[source], amount, description=id)

    def _of(self, *names: str) -> Any:
        for name in names:
            if name not in self._ids:
                self._ids[name] = Account.objects.get(name=name).pk
        return Account.objects.filter(pk__in=[self._ids[name] for name in names])


def _open(name: str, type: str) -> Any:
    return Account.objects.create(name=name, type=type, code=None, currencies=["USD"])


if __name__ == "__main__":
    serve(Hordak())
