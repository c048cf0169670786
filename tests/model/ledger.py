"""The ledger in plain Python: what each write must answer, and the books that it leaves.

Written from the HTTP contract, and sharing no code with the ledger itself. It takes well-formed
requests only; what is malformed is the business of the machine that drives it. Books are dicts, so
that whatever was refused is undone by taking the copy from before.
"""

from datetime import datetime, timedelta
from typing import Any

Body = dict[str, Any]
OTHER = {"debit": "credit", "credit": "debit"}
TICK = timedelta(microseconds=1)
STATUS = {
    "validation_failed": 400, "account_not_found": 404, "transaction_not_found": 404,
    "version_conflict": 409, "account_exists": 409, "account_not_empty": 409,
    "transaction_not_pending": 409, "transaction_not_posted": 409, "already_reversed": 409,
    "unbalanced_transaction": 422, "insufficient_funds": 422, "balance_limit_exceeded": 422,
    "account_frozen": 422, "account_closed": 422, "exceeds_pending_amount": 422,
    "idempotency_key_reused": 422, "batch_aborted": 424,
}  # fmt: skip  # A table.


class No(Exception):
    """A refusal; where holds that have expired stand in the way, by their account, and where it is
    about one that has, that.
    """

    def __init__(self, code: str, account: str | None = None, hold: str | None = None) -> None:
        self.code, self.account, self.hold = code, account, hold


def stamp(at: datetime) -> str:
    """A time as the API writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Ledger:
    """One ledger's books. `now` is set by whoever asks."""

    def __init__(self, name: str, now: datetime) -> None:
        self.name, self.now = name, now
        self.accounts: dict[str, Body] = {}
        self.transactions: dict[str, Body] = {}

    def ask(self, operation: str, **given: Any) -> tuple[int, Any]:
        """The status and the body, or the code of the refusal, of one request."""
        dry = given.pop("dry", False)
        return self._together([(operation, given)], dry=dry)[0]

    def batch(self, atomic: bool, requests: list[Body]) -> list[tuple[int, Any]]:
        """Likewise of each new transaction of a batch."""
        asked = [("create", each) for each in requests]
        if not atomic:
            return [self._together([each])[0] for each in asked]
        return self._together(asked)

    def release(self, ids: list[str]) -> None:
        """Releases these holds, whose time is up."""
        for id in ids:
            self._expire(id)

    def _together(self, asked: list[tuple[str, Body]], dry: bool = False) -> list[tuple[int, Any]]:
        """All of these or none."""
        before = _copied(self.accounts), _copied(self.transactions)
        while True:
            released = self.accounts, self.transactions
            self.accounts, self.transactions = map(_copied, released)
            self._at = self._clock(asked, dry)
            answers: list[tuple[int, Any]] = []
            try:
                for operation, given in asked:
                    answers.append(getattr(self, f"_{operation}")(**given))
            except No as no:
                self.accounts, self.transactions = released
                # In the order of expiry, as an account's state lists its holds.
                mine = [id for id in self.transactions if self._frees(id, no.account)]
                mine.sort(key=lambda hold: self.transactions[hold]["expires"])
                mine += [no.hold] if no.hold else []
                for id in mine:
                    self._expire(id, dry=dry)
                if mine:
                    continue
                if dry:
                    self.accounts, self.transactions = before
                refused = [(424, "batch_aborted")] * len(asked)
                refused[len(answers)] = STATUS[no.code], no.code
                return refused
            if dry:
                self.accounts, self.transactions = before
                return [(200, {**body, "dry_run": True}) for _, body in answers]
            return answers

    def _clock(self, asked: list[tuple[str, Body]], dry: bool) -> datetime:
        """One instant for all, later than the newest event of everything that is looked at."""
        seen: list[Body] = []
        for _, given in asked:
            named = self.transactions.get(given.get("of", ""))
            legs = given.get("legs") or (named["legs"] if named else [])
            seen += [self.accounts[leg[0]] for leg in legs if leg[0] in self.accounts]
            seen += [self.accounts[i] for i in [given.get("account")] if i in self.accounts]
            seen += [named] if named else []
            seen += [self.transactions[i] for i in [given.get("id")] if i in self.transactions]
        later: list[datetime] = [] if dry else [each["at"] + TICK for each in seen]
        return max([self.now, *later])

    # Accounts

    def _open(self, account: str, **terms: Any) -> tuple[int, Body]:
        _in_order(terms)
        known = self.accounts.get(account)
        if known is not None:
            if known["terms"] != terms:
                raise No("account_exists")
            return 200, self.show(account)
        _within(account, 0, 0, terms["min"], terms["max"])
        self.accounts[account] = {
            **{key: terms[key] for key in ("asset", "normal", "min", "max", "metadata")},
            "terms": terms, "posted": 0, "held": {"debit": 0, "credit": 0}, "frozen": set(),
            "closed": False, "version": 1, "opened": self._at, "at": self._at, "entries": [],
        }  # fmt: skip  # A record.
        return 201, self.show(account)

    def _change(self, account: str, if_version: int | None, **terms: Any) -> tuple[int, Body]:
        _in_order(terms)
        it = self._known(account)
        if if_version not in (None, it["version"]):
            raise No("version_conflict")
        _still_open(it)
        new = {**it, **terms}
        if new != it:
            most = it["posted"] + it["held"][it["normal"]]
            _within(account, _available(it), most, new["min"], new["max"])
            self._touch(account, **terms)
        return 200, self.show(account)

    def _freeze(self, account: str, sides: set[str]) -> tuple[int, Body]:
        it = self._known(account)
        _still_open(it)
        if not sides <= it["frozen"]:
            self._touch(account, frozen=it["frozen"] | sides)
        return 200, self.show(account)

    def _unfreeze(self, account: str, sides: set[str]) -> tuple[int, Body]:
        it = self._known(account)
        _still_open(it)
        if sides & it["frozen"]:
            self._touch(account, frozen=it["frozen"] - sides)
        return 200, self.show(account)

    def _close(self, account: str) -> tuple[int, Body]:
        it = self._known(account)
        if not it["closed"]:
            if it["posted"] or any(it["held"].values()):
                raise No("account_not_empty", account)
            self._touch(account, closed=True)
        return 200, self.show(account)

    # Transactions

    def _create(self, id: str, legs: list[Any], **more: Any) -> tuple[int, Body]:
        content = (legs, more)
        if id in self.transactions:
            return self._again(id, content)
        sums: dict[str, int] = {}
        for account, side, amount in legs:
            it = self._known(account)
            sums[it["asset"]] = sums.get(it["asset"], 0) + (amount if side == "debit" else -amount)
        if any(sums.values()):
            raise No("unbalanced_transaction")
        holds, timeout = "timeout" in more, more.get("timeout")
        shown = [self._enter(id, leg, hold=holds) for leg in legs]
        self._tell(
            id, "pending" if holds else "posted", shown, legs=legs, content=content, holds=holds,
            expires=self._at + timedelta(seconds=timeout) if timeout else None, created=self._at,
            reference=more.get("reference"), metadata=more.get("metadata", {}), told=[],
            effective=more.get("effective") or self._at,
        )  # fmt: skip
        return 201, self.transactions[id]["told"][0]

    def _again(self, id: str, content: Any) -> tuple[int, Body]:
        if self.transactions[id]["content"] != content:
            raise No("idempotency_key_reused")
        return 200, self.transactions[id]["told"][0]

    def _post(self, of: str, amount: int | None, key: str | None) -> tuple[int, Body]:
        return self._resolve(of, "posted", ("post", amount), key, amount)

    def _void(self, of: str, reason: str | None, key: str | None) -> tuple[int, Body]:
        return self._resolve(of, "voided", ("void", reason), key, 0, reason=reason)

    def _resolve(
        self, of: str, state: str, content: Any, key: str | None, amount: int | None, **more: Any
    ) -> tuple[int, Body]:
        it = self.transactions.get(of)
        if it is None:
            raise No("transaction_not_found")
        if it["state"] != "pending":
            if key is None or it.get("resolution", (None,))[0] != key:
                raise No("transaction_not_pending")
            if it["resolution"] != (key, content):
                raise No("idempotency_key_reused")
            return 200, it["told"][1]
        if it["expires"] and it["expires"] <= self._at:
            raise No("transaction_not_pending", hold=of)
        if amount and len(it["legs"]) != 2:
            raise No("validation_failed")
        if amount and amount > it["legs"][0][2]:
            raise No("exceeds_pending_amount")
        if state == "posted" and "effective" not in it["content"][1]:
            more["effective"] = self._at
        self._settle(of, state, amount, resolution=(key, content), **more)
        return 200, self.transactions[of]["told"][-1]

    def _settle(self, of: str, state: str, amount: int | None, **more: Any) -> None:
        """Frees what is held, and moves so much of each leg, or all."""
        it = self.transactions[of]
        legs = [(acc, side, held if amount is None else amount) for acc, side, held in it["legs"]]
        shown = it["told"][0]["entries"]
        entries = []
        for (account, side, held), leg in zip(it["legs"], legs, strict=True):
            self.accounts[account]["held"][side] -= held
            entries.append(self._enter(of, leg, free=True))
        kept = {"legs": legs} if amount != 0 else {}
        self._tell(of, state, entries if kept else shown, resolved=self._at, **kept, **more)

    def _expire(self, of: str, dry: bool = False) -> None:
        self._at = self._clock([("expire", {"of": of})], dry)
        self._settle(of, "expired", 0)

    def _reverse(self, id: str, of: str, effective: datetime | None) -> tuple[int, Body]:
        if id in self.transactions:
            return self._again(id, ("reverse", of, effective))
        it = self.transactions.get(of)
        if it is None:
            raise No("transaction_not_found")
        if it["state"] != "posted":
            raise No("transaction_not_posted")
        if "reversed_by" in it:
            raise No("already_reversed")
        when = effective or max(self._at, it["effective"])
        if when < it["effective"]:
            raise No("validation_failed")
        legs = [(account, OTHER[side], amount) for account, side, amount in it["legs"][::-1]]
        shown = [self._enter(id, leg) for leg in legs]
        self._tell(
            id, "posted", shown, legs=legs, content=("reverse", of, effective), holds=False,
            expires=None, created=self._at, reference=it["reference"], metadata={}, told=[],
            effective=when, reverses=of,
        )  # fmt: skip
        self._tell(of, "posted", it["told"][-1]["entries"], reversed_by=id)
        return 201, self.transactions[id]["told"][0]

    # What is common

    def _enter(self, id: str, leg: Any, *, hold: bool = False, free: bool = False) -> Body:
        account, side, amount = leg
        it = self.accounts[account]
        if not free:
            _still_open(it)
            if side in it["frozen"]:
                raise No("account_frozen")
            coming = it["posted"] + it["held"][it["normal"]] + amount
            if side == it["normal"] and it["max"] is not None and coming > it["max"]:
                raise No("balance_limit_exceeded", account)
            leaving = _available(it) - amount
            if side != it["normal"] and it["min"] is not None and leaving < it["min"]:
                raise No("insufficient_funds", account)
        if hold:
            it["held"][side] += amount
        else:
            it["posted"] += amount if side == it["normal"] else -amount
        self._touch(account)
        if amount and not hold:
            it["entries"].append((it["version"], id, side, amount, it["posted"], self._at))
        return {
            "account": account, "direction": side, "amount": str(amount), "asset": it["asset"],
            "version": it["version"], "balance_after": str(it["posted"]),
        }  # fmt: skip

    def _tell(self, id: str, state: str, entries: list[Body], **facts: Any) -> None:
        it = self.transactions.setdefault(id, {"version": 0})
        it |= {**facts, "state": state, "version": it["version"] + 1, "at": self._at}
        body = {
            "id": id, "ledger": self.name, "state": state, "reference": it["reference"],
            "effective_at": stamp(it["effective"]), "recorded_at": stamp(it["created"]),
            "metadata": it["metadata"], "version": it["version"], "entries": entries,
        }  # fmt: skip
        if it["holds"]:
            body["expires_at"] = it["expires"] and stamp(it["expires"])
        if "resolved" in it:
            body["resolved_at"] = stamp(it["resolved"])
        named = {"void_reason": "reason", "reverses": "reverses", "reversed_by": "reversed_by"}
        body |= {field: it[fact] for field, fact in named.items() if it.get(fact)}
        it["told"] = [*it["told"], body]

    def _touch(self, account: str, **changes: Any) -> None:
        it = self.accounts[account]
        it |= {**changes, "version": it["version"] + 1, "at": self._at}

    def _known(self, account: str) -> Body:
        if account not in self.accounts:
            raise No("account_not_found")
        return self.accounts[account]

    def _frees(self, id: str, account: str | None) -> bool:
        it = self.transactions[id]
        return self.is_due(it, self._at) and account in [leg[0] for leg in it["legs"]]

    def is_due(self, transaction: Body, at: datetime | None = None) -> bool:
        """Whether a hold's time is up: now, or at the instant of a decision."""
        expires = transaction["expires"]
        return transaction["state"] == "pending" and bool(expires) and expires <= (at or self.now)

    def room(self, account: str, inwards: bool) -> int | None:
        """How much may still come in, or go out; None where no limit stands, and of no account."""
        it = self.accounts.get(account)
        if it is None:
            return None
        if inwards:
            most = it["posted"] + it["held"][it["normal"]]
            return None if it["max"] is None else int(it["max"] - most)
        return None if it["min"] is None else int(_available(it) - it["min"])

    def show(self, account: str) -> Body:
        """The account as a write's answer shows it: as it was worth after its newest event."""
        return self._shown(account, self.accounts[account]["at"])

    def read(self, account: str) -> Body:
        """The account as a read shows it: as it is worth now."""
        return self._shown(account, self.now)

    def read_transaction(self, id: str) -> Body:
        """The transaction as a read shows it."""
        it = self.transactions[id]
        told: Body = it["told"][-1]
        return {**told, "state": "expired"} if self.is_due(it) else told

    def _shown(self, account: str, at: datetime) -> Body:
        it = self.accounts[account]
        due = [one for one in self.transactions.values() if self.is_due(one, at)]
        free = dict.fromkeys(OTHER, 0)
        for name, side, amount in (leg for one in due for leg in one["legs"]):
            free[side] += amount if name == account else 0
        it = {**it, "held": {side: it["held"][side] - free[side] for side in OTHER}}
        return {
            "id": account, "ledger": self.name, "asset": it["asset"],
            "normal_balance": it["normal"], "min_balance": _text(it["min"]),
            "max_balance": _text(it["max"]), "posted": str(it["posted"]),
            "pending_debits": str(it["held"]["debit"]),
            "pending_credits": str(it["held"]["credit"]), "available": str(_available(it)),
            "frozen": {f"{side}s": side in it["frozen"] for side in OTHER},
            "state": "closed" if it["closed"] else "open", "metadata": it["metadata"],
            "version": it["version"], "opened_at": stamp(it["opened"]),
            "recorded_at": stamp(it["at"]),
        }  # fmt: skip  # A record.


def _copied(books: dict[str, Body]) -> dict[str, Body]:
    """A copy that shares what is never changed where it stands, which is most of it."""
    copies = {id: {**it} for id, it in books.items()}
    for it in copies.values():
        it |= {field: it[field].copy() for field in ("held", "entries") if field in it}
    return copies


def _still_open(it: Body) -> None:
    if it["closed"]:
        raise No("account_closed")


def _available(it: Body) -> int:
    return int(it["posted"] - it["held"][OTHER[it["normal"]]])


def _in_order(terms: Body) -> None:
    low, high = terms.get("min"), terms.get("max")
    if low is not None and high is not None and low > high:
        raise No("validation_failed")


def _within(account: str, least: int, most: int, low: int | None, high: int | None) -> None:
    if (low is not None and least < low) or (high is not None and most > high):
        raise No("balance_limit_exceeded", account)


def _text(limit: int | None) -> str | None:
    return None if limit is None else str(limit)
