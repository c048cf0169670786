"""Transactions: posting, holding and reversing them, and finding them again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from twofold.amounts import require_amount
from twofold.batches import done
from twofold.calls import PAGE, Calls, keyed, query_of, segment
from twofold.entries import Entry, NewTransaction, Pending
from twofold.ids import new_id
from twofold.messages import LedgerEvent, Transaction
from twofold.problems import Problem
from twofold.results import Result
from twofold.versions import transaction_key


class Transactions:
    """The transactions of a ledger.

    Each write has an id, which is generated if none is given, so that the ledger does it once. A
    read of one transaction shows at least the version that this client has seen of it, unless
    another `min_version` is given. A listing waits for nothing.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def post(
        self,
        entries: Sequence[Entry],
        *,
        id: str | None = None,
        reference: str | None = None,
        effective_at: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
        pending: Pending | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Transaction:
        """Posts a transaction, or holds it if `pending` is given.

        The id may come from an `idempotency_key` too. With `dry_run` nothing is written.
        """
        new = NewTransaction(
            entries=entries,
            id=new_id() if id is None and idempotency_key is None else id,
            reference=reference,
            effective_at=effective_at,
            metadata=metadata,
            pending=pending,
        )
        reply = self._calls.write(
            "/transactions",
            new.body(),
            key=new.id or idempotency_key,
            headers=keyed(idempotency_key),
            query={"dry_run": "true"} if dry_run else {},
        )
        return self._calls.made(reply, Transaction)

    def post_batch(
        self,
        transactions: Sequence[NewTransaction],
        *,
        atomic: bool = True,
        idempotency_key: str | None = None,
    ) -> tuple[Result, ...]:
        """Posts several transactions, all or none or independently; the result of each.

        A transaction without an id gets one from the key and its index. The same batch is sent
        again for transactions that were not attempted or are unknown, within the deadline. The rest
        then has a problem with the status 503, and the same batch with the same key continues.
        """
        body = {"atomic": atomic, "transactions": [new.body() for new in transactions]}
        results = done(self._calls, "/transactions/batch", body, idempotency_key or new_id())
        return tuple(self._result(result) for result in results)

    def post_hold(
        self, id: str, *, amount: int | None = None, idempotency_key: str | None = None
    ) -> Transaction:
        """Posts a pending transaction, or an `amount` of it; the rest is released.

        Raises TypeError for an amount that is not an int.
        """
        if amount is not None:
            require_amount(amount)
        body = {} if amount is None else {"amount": str(amount)}
        return self._resolve(id, "post", body, idempotency_key or new_id())

    def void_hold(
        self, id: str, *, reason: str | None = None, idempotency_key: str | None = None
    ) -> Transaction:
        """Voids a pending transaction: all of it is released.

        The answer does not name the versions to which that brings the accounts. If others write one
        of them as well, read it with `strong` to be sure that it shows the release.
        """
        body = {} if reason is None else {"reason": reason}
        return self._resolve(id, "void", body, idempotency_key or new_id())

    def reverse(
        self,
        reverses: str,
        *,
        id: str | None = None,
        effective_at: datetime | None = None,
        reference: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Transaction:
        """Reverses a posted transaction by a new one, which is returned.

        The new one's id may come from an `idempotency_key` too, and its default reference is the
        original's.
        """
        id = new_id() if id is None and idempotency_key is None else id
        given = {
            "id": id,
            "effective_at": effective_at,
            "reference": reference,
            "metadata": metadata,
        }
        reply = self._calls.write(
            f"{_path(reverses)}/reverse",
            {name: value for name, value in given.items() if value is not None},
            key=id or idempotency_key,
            headers=keyed(idempotency_key),
        )
        reversal = self._calls.made(reply, Transaction)
        self._calls.versions.see_reversed(reverses)
        return reversal

    def get(self, id: str, *, min_version: int | None = None, strong: bool = False) -> Transaction:
        """The transaction now; `strong` reads the event table, where the ledger allows it."""
        if strong:
            query = query_of(min_version=min_version or None, consistency="strong")
        else:
            least = self._calls.versions.least(transaction_key(id), min_version)
            query = query_of(min_version=least)
        return self._calls.get("journal", _path(id), Transaction, query)

    def events(
        self, id: str, *, order: Literal["asc", "desc"] = "asc", page: int = PAGE
    ) -> Iterator[LedgerEvent]:
        """A transaction's events, from the event table, where the ledger allows strong reads."""
        query = query_of(order=order, limit=page)
        return self._calls.rows("journal", f"{_path(id)}/events", "events", LedgerEvent, query)

    def list(
        self,
        *,
        reference: str | None = None,
        state: Literal["pending"] | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
        order: Literal["asc", "desc"] = "asc",
        page: int = PAGE,
    ) -> Iterator[Transaction]:
        """The transactions, oldest or newest first: all, or the pending ones, or those of a
        reference, of a period, or of both.
        """
        query = query_of(
            reference=reference, state=state, **{"from": from_}, to=to, order=order, limit=page
        )
        return self._calls.rows("journal", "/transactions", "transactions", Transaction, query)

    def _resolve(self, id: str, how: str, body: Any, key: str) -> Transaction:
        reply = self._calls.write(f"{_path(id)}/{how}", body, key=key, headers=keyed(key))
        return self._calls.made(reply, Transaction)

    def _result(self, result: dict[str, Any]) -> Result:
        made, problem = result.get("transaction"), result.get("problem")
        return Result(
            status=result["status"],
            transaction=made and self._calls.made_in_batch(result, "transaction", Transaction),
            problem=problem and Problem(result["status"], problem),
        )


def _path(id: str) -> str:
    return f"/transactions/{segment(id)}"
