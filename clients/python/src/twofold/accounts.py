"""Accounts: opening and managing them, and what they are worth, were worth, and have seen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from twofold.amounts import require_amount
from twofold.batches import done
from twofold.calls import PAGE, Calls, keyed, query_of, read, segment
from twofold.ids import new_id
from twofold.messages import Account, AccountEntry, Balance, Direction, LedgerEvent, Period
from twofold.problems import Problem
from twofold.results import AccountResult, Statement
from twofold.versions import account_key


class NewAccount(Struct, frozen=True, kw_only=True):
    """An account to be opened. Where no `min_balance` is given it is 0; None is no limit.

    Raises TypeError for a limit that is not an int.
    """

    asset: str
    normal_balance: Direction
    id: str | None = None
    min_balance: int | UnsetType | None = UNSET
    max_balance: int | None = None
    metadata: Mapping[str, str] | None = None
    stripes: int = 1

    def __post_init__(self) -> None:
        _limit(self.min_balance, "min_balance")
        _limit(self.max_balance, "max_balance")

    def body(self) -> dict[str, Any]:
        """The request that asks for it, without what it leaves open. Limits go as strings."""
        said = {
            "id": UNSET if self.id is None else self.id,
            "asset": self.asset,
            "normal_balance": self.normal_balance,
            "min_balance": _limit(self.min_balance, "min_balance"),
            "max_balance": _limit(self.max_balance, "max_balance"),
            "metadata": self.metadata or {},
            "stripes": UNSET if self.stripes == 1 else self.stripes,
        }
        return {name: value for name, value in said.items() if value is not UNSET}


class Accounts:
    """The accounts of a ledger.

    A read of one account shows at least the version that this client has seen of it, and so what
    the client itself has written. With a `min_version` it shows at least that one instead, and 0
    takes what is there. It waits for the version, and raises Problem `projection_behind` if that
    does not arrive before the deadline. A listing of accounts waits for nothing.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def open(
        self,
        id: str | None = None,
        *,
        asset: str,
        normal_balance: Direction,
        min_balance: int | UnsetType | None = UNSET,
        max_balance: int | None = None,
        metadata: Mapping[str, str] | None = None,
        stripes: int = 1,
        idempotency_key: str | None = None,
    ) -> Account:
        """Opens an account, or returns the open account of this id and content.

        The id may come from an `idempotency_key` too. The default of `min_balance` is 0. With up to
        64 `stripes`, many can write the account in parallel; such an account can have no limits.
        """
        new = NewAccount(
            id=new_id() if id is None and idempotency_key is None else id,
            asset=asset,
            normal_balance=normal_balance,
            min_balance=min_balance,
            max_balance=max_balance,
            metadata=metadata,
            stripes=stripes,
        )
        reply = self._calls.write(
            "/accounts",
            new.body(),
            key=new.id or idempotency_key,
            headers=keyed(idempotency_key),
        )
        return self._calls.made(reply, Account)

    def open_batch(
        self, accounts: Sequence[NewAccount], *, idempotency_key: str | None = None
    ) -> tuple[AccountResult, ...]:
        """Opens up to 100 accounts independently; the result of each.

        An account without an id gets one from the key and its index. The same batch is sent again
        for accounts that were not attempted or are unknown, within the deadline.
        """
        body = {"accounts": [new.body() for new in accounts]}
        results = done(self._calls, "/accounts/batch", body, idempotency_key or new_id())
        return tuple(self._result(result) for result in results)

    def change(
        self,
        id: str,
        *,
        min_balance: int | UnsetType | None = UNSET,
        max_balance: int | UnsetType | None = UNSET,
        metadata: Mapping[str, str] | UnsetType = UNSET,
        if_match: int | None = None,
    ) -> Account:
        """Changes the given fields; with `if_match`, only if the account is at this version.

        A change without a reply is sent again. If the first attempt was done, the second is refused
        as `version_conflict`: read the account to see whose change it was.
        """
        given = {
            "min_balance": _limit(min_balance, "min_balance"),
            "max_balance": _limit(max_balance, "max_balance"),
            "metadata": metadata,
        }
        body = {name: value for name, value in given.items() if value is not UNSET}
        headers = {} if if_match is None else {"If-Match": f'"{if_match}"'}
        reply = self._calls.write(_path(id), body, method="PATCH", headers=headers)
        return self._calls.written(reply, Account)

    def freeze(self, id: str, *, debits: bool = True, credits: bool = True) -> Account:
        """Freezes an account for entries of these directions; the other direction is unchanged."""
        body = {"debits": debits, "credits": credits}
        return self._calls.written(self._calls.write(f"{_path(id)}/freeze", body), Account)

    def unfreeze(self, id: str, *, debits: bool = True, credits: bool = True) -> Account:
        """Unfreezes an account for entries of these directions."""
        body = {"debits": debits, "credits": credits}
        return self._calls.written(self._calls.write(f"{_path(id)}/unfreeze", body), Account)

    def close(self, id: str) -> Account:
        """Closes an empty account permanently."""
        return self._calls.written(self._calls.write(f"{_path(id)}/close", {}), Account)

    def get(self, id: str, *, min_version: int | None = None, strong: bool = False) -> Account:
        """The account now; `strong` reads the event table, where the ledger allows it."""
        if strong:
            query = query_of(min_version=min_version or None, consistency="strong")
        else:
            query = query_of(min_version=self._at_least(id, min_version))
        return self._calls.get("accounts", _path(id), Account, query)

    def list(self, prefix: str | None = None, *, page: int = PAGE) -> Iterator[Account]:
        """The accounts whose ids have the prefix, or all, in the order of their ids."""
        query = query_of(prefix=prefix, limit=page)
        return self._calls.rows("accounts", "/accounts", "accounts", Account, query)

    def balance(
        self, id: str, *, at: datetime | None = None, min_version: int | None = None
    ) -> Balance:
        """The posted balance of an account at a time, or now."""
        query = query_of(at=at, min_version=self._at_least(id, min_version))
        return self._calls.get("accounts", f"{_path(id)}/balance", Balance, query)

    def entries(
        self,
        id: str,
        *,
        order: Literal["asc", "desc"] = "asc",
        min_version: int | None = None,
        page: int = PAGE,
    ) -> Iterator[AccountEntry]:
        """An account's entries, oldest first, or newest first."""
        query = query_of(order=order, min_version=self._at_least(id, min_version), limit=page)
        path = f"{_path(id)}/entries"
        return self._calls.rows("accounts", path, "entries", AccountEntry, query, account=id)

    def events(
        self, id: str, *, order: Literal["asc", "desc"] = "asc", page: int = PAGE
    ) -> Iterator[LedgerEvent]:
        """An account's events, from the event table, where the ledger allows strong reads."""
        query = query_of(order=order, limit=page)
        return self._calls.rows("accounts", f"{_path(id)}/events", "events", LedgerEvent, query)

    def statement(
        self,
        id: str,
        *,
        from_: datetime | None = None,
        to: datetime | None = None,
        min_version: int | None = None,
        page: int = PAGE,
    ) -> Statement:
        """What was recorded on an account from one time (the beginning) up to another (now)."""
        least = self._at_least(id, min_version)
        query = query_of(**{"from": from_}, to=to, min_version=least, limit=page)
        path = f"{_path(id)}/statement"
        first = self._calls.send_get("accounts", path, query)
        period = read(first, Period)
        return Statement(
            account=period.account,
            asset=period.asset,
            from_=period.from_,
            to=period.to,
            opening_balance=period.opening_balance,
            closing_balance=period.closing_balance,
            entries=self._calls.rows(
                "accounts", path, "entries", AccountEntry, query, first=first, account=id
            ),
        )

    def _at_least(self, id: str, min_version: int | None) -> int | None:
        """The version that a read waits for; None for whatever is there."""
        return self._calls.versions.least(account_key(id), min_version)

    def _result(self, result: dict[str, Any]) -> AccountResult:
        account, problem = result.get("account"), result.get("problem")
        return AccountResult(
            status=result["status"],
            account=account and self._calls.made_in_batch(result, "account", Account),
            problem=problem and Problem(result["status"], problem),
        )


def _path(id: str) -> str:
    return f"/accounts/{segment(id)}"


def _limit(limit: int | UnsetType | None, name: str) -> str | UnsetType | None:
    """A limit in a request, where it is a string. Raises TypeError."""
    if limit is None or limit is UNSET:
        return limit
    require_amount(limit, name)
    return str(limit)
