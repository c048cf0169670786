"""The TypeScript client, with the face of the Python client: so the same tests run on both.

Each method has the parameters of the Python client's, calls the TypeScript client in a Node process
(`driver.mjs`), and returns or raises what the Python client would.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from twofold import (
    Account,
    AccountEntry,
    AccountResult,
    Balance,
    Entry,
    Health,
    Integrity,
    LedgerEntry,
    LedgerEvent,
    NewAccount,
    NewTransaction,
    NoConnection,
    NoReply,
    Problem,
    Result,
    Statement,
    Status,
    Transaction,
    TrialBalance,
    transport,
)

from tests import npm
from tests.engines import ROOT

SOURCE = ROOT / "clients" / "typescript"
DRIVER = Path(__file__).with_name("driver.mjs")
AMOUNTS = frozenset(
    {"amount", "available", "balance_after", "closing_balance", "max_balance", "min_balance"}
    | {"opening_balance", "pending_credits", "pending_debits", "posted"}
)
"""Fields of answers that must be bigints. (`debits` and `credits` are flags too.)"""

NAMES = {"from_": "from", "page": "pageSize", "if_match": "ifMatch", "dry_run": "dryRun"}
NAMES |= {"idempotency_key": "idempotencyKey", "remember_versions": "rememberVersions"}
"""How the TypeScript client calls what the Python client calls otherwise."""

_Answer = TypeVar("_Answer")
_chance = random.uniform


def built() -> Path:
    """The folder of the client, built: a copy which nothing changes, kept from run to run."""
    packages = npm.installed(SOURCE)
    tree = [path for path in sorted(SOURCE.rglob("*")) if path.is_file()]
    files = [path for path in tree if not {"node_modules", "dist"} & {*path.parts}]

    def build(folder: Path) -> None:
        left_out = shutil.ignore_patterns("node_modules", "dist")
        shutil.copytree(SOURCE, folder, ignore=left_out, dirs_exist_ok=True)
        (folder / "node_modules").symlink_to(packages / "node_modules")
        npm.run("npm", "run", "prepare", folder=folder)

    return npm.made_once(files, build)


class Node:
    """A Node process with the TypeScript client: one command, one answer."""

    def __init__(self, package: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(DRIVER), str(package / "dist" / "index.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **command: Any) -> Any:
        """The answer to a command. The client waits as the Python client does in this test."""
        if random.uniform is not _chance:
            command["random"] = random.uniform(0, 1)
        answer = self._ask(command)
        while "sleep" in answer:
            vars(transport)["sleep"](answer["sleep"])  # A test may have replaced it.
            answer = self._ask({})
        if "error" in answer:
            raise _error(answer["error"])
        return answer

    def _ask(self, command: Mapping[str, Any]) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


class Api:
    """Some methods of a Ledger in a Node process; `path` is where it has them."""

    def __init__(self, node: Node, ledger: int, path: str = "") -> None:
        self._node, self._ledger, self._path = node, ledger, path

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method answers."""
        given = [_sent(argument) for argument in arguments]
        method = f"{self._path}{method}"
        return self._node.ask(ledger=self._ledger, method=method, args=given)

    def one(self, answer: type[_Answer], method: str, *arguments: Any) -> _Answer:
        """The one message that a method answers."""
        return msgspec.convert(_got(self.ask(method, *arguments)["value"]), answer)

    def rows(self, row: type[_Answer], method: str, *arguments: Any) -> Iterator[_Answer]:
        """The rows of a listing."""
        return self.rest(row, self.ask(method, *arguments)["rows"])

    def rest(self, row: type[_Answer], listing: int) -> Iterator[_Answer]:
        """The rows of a listing that was begun."""
        while not (answer := self._node.ask(next=listing))["done"]:
            yield msgspec.convert(_got(answer["value"]), row)


class Accounts(Api):
    """As the Python client's."""

    def open(
        self, id: str | None = None, *, idempotency_key: str | None = None, **fields: Any
    ) -> Account:
        new = {"id": id, **fields}
        return self.one(Account, "open", new, {"idempotency_key": idempotency_key})

    def open_batch(self, accounts: Sequence[NewAccount], **options: Any) -> list[AccountResult]:
        results = self.ask("openBatch", [_fields(new) for new in accounts], options)["value"]
        return [AccountResult(**_result(each, Account, "account")) for each in results]

    def change(self, id: str, *, if_match: int | None = None, **change: Any) -> Account:
        return self.one(Account, "change", id, change, {"if_match": if_match})

    def freeze(self, id: str, *, debits: bool = True, credits: bool = True) -> Account:
        return self.one(Account, "freeze", id, {"debits": debits, "credits": credits})

    def unfreeze(self, id: str, *, debits: bool = True, credits: bool = True) -> Account:
        return self.one(Account, "unfreeze", id, {"debits": debits, "credits": credits})

    def close(self, id: str) -> Account:
        return self.one(Account, "close", id)

    def get(self, id: str, **options: Any) -> Account:
        return self.one(Account, "get", id, options)

    def list(self, prefix: str | None = None, **options: Any) -> Iterator[Account]:
        return self.rows(Account, "list", {"prefix": prefix, **options})

    def balance(self, id: str, **options: Any) -> Balance:
        return self.one(Balance, "balance", id, options)

    def entries(self, id: str, **options: Any) -> Iterator[AccountEntry]:
        return self.rows(AccountEntry, "entries", id, options)

    def events(self, id: str, **options: Any) -> Iterator[LedgerEvent]:
        return self.rows(LedgerEvent, "events", id, options)

    def statement(self, id: str, **options: Any) -> Statement:
        whole = _got(self.ask("statement", id, options)["value"])
        start, end = (msgspec.convert(whole[name], datetime) for name in ("from", "to"))
        return Statement(
            account=whole["account"],
            asset=whole["asset"],
            from_=start,
            to=end,
            opening_balance=whole["opening_balance"],
            closing_balance=whole["closing_balance"],
            entries=self.rest(AccountEntry, whole["entries"]),
        )


class Transactions(Api):
    """As the Python client's."""

    def post(
        self,
        entries: Sequence[Entry],
        *,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> Transaction:
        options = {"dry_run": dry_run, "idempotency_key": idempotency_key}
        return self.one(Transaction, "post", {"entries": entries, **fields}, options)

    def post_batch(self, transactions: Sequence[NewTransaction], **options: Any) -> list[Result]:
        results = self.ask("postBatch", [_fields(new) for new in transactions], options)["value"]
        return [Result(**_result(each, Transaction, "transaction")) for each in results]

    def post_hold(self, id: str, **options: Any) -> Transaction:
        return self.one(Transaction, "postHold", id, options)

    def void_hold(self, id: str, **options: Any) -> Transaction:
        return self.one(Transaction, "voidHold", id, options)

    def reverse(
        self, reverses: str, *, idempotency_key: str | None = None, **fields: Any
    ) -> Transaction:
        options = {"idempotency_key": idempotency_key}
        return self.one(Transaction, "reverse", reverses, fields, options)

    def get(self, id: str, **options: Any) -> Transaction:
        return self.one(Transaction, "get", id, options)

    def events(self, id: str, **options: Any) -> Iterator[LedgerEvent]:
        return self.rows(LedgerEvent, "events", id, options)

    def list(self, **options: Any) -> Iterator[Transaction]:
        return self.rows(Transaction, "list", options)


class Ledger(Api):
    """As the Python client's."""

    def __init__(
        self,
        node: Node,
        name: str,
        url: str | None = None,
        *,
        root: str | None = None,
        accounts_url: str | None = None,
        journal_url: str | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        **options: Any,
    ) -> None:
        three = {"write": url, "accounts": accounts_url, "journal": journal_url}
        times = {"timeout": timeout, "deadline": deadline}
        options |= {name: time * 1000 for name, time in times.items() if time is not None}
        where = _sent({"root": root, **three})
        try:
            made = node.ask(make={"name": name, "where": where, "options": _sent(options)})
        except TypeError as error:
            raise ValueError(*error.args) from None
        super().__init__(node, made["value"])
        self.accounts = Accounts(node, made["value"], "accounts.")
        self.transactions = Transactions(node, made["value"], "transactions.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def trial_balance(self) -> TrialBalance:
        return self.one(TrialBalance, "trialBalance")

    def integrity(self) -> Integrity:
        return self.one(Integrity, "integrity")

    def status(self, api: str = "journal") -> Status:
        return self.one(Status, "status", api)

    def ledgers(self, api: str = "journal") -> Iterator[LedgerEntry]:
        return self.rows(LedgerEntry, "ledgers", api)

    def health(self, api: str = "write") -> Health:
        return self.one(Health, "health", api)


def _fields(new: NewAccount | NewTransaction) -> dict[str, Any]:
    """The fields of a message that are set. A minimum of None is set, and is no limit."""
    fields = {name: getattr(new, name) for name in new.__struct_fields__}
    return {
        name: value
        for name, value in fields.items()
        if value is not msgspec.UNSET and (value is not None or name == "min_balance")
    }


def _sent(value: Any, name: str = "") -> Any:
    """A value as the driver reads it. What is None is not given, but for limits."""
    match value:
        case Mapping():
            return {
                NAMES.get(name, name): _sent(inner, name)
                for name, inner in value.items()
                if inner is not msgspec.UNSET
                and (inner is not None or name in ("min_balance", "max_balance"))
            }
        case msgspec.Struct():
            return _sent(msgspec.structs.asdict(value))
        case datetime():
            return value.isoformat()
        case int() if name in AMOUNTS:
            return {"$int": str(value)}
        case list() | tuple():
            return [_sent(inner) for inner in value]
    return value


def _got(value: Any, name: str = "") -> Any:
    """A value as the driver wrote it. An amount that is no bigint fails the test."""
    match value:
        case {"$int": digits}:
            return int(digits)
        case dict():
            return {name: _got(inner, name) for name, inner in value.items()}
        case list():
            return [_got(inner) for inner in value]
    assert name not in AMOUNTS or value is None, f"{name} is {value!r}, which is no bigint"
    return value


def _result(result: Any, answer: type[Any], name: str) -> dict[str, Any]:
    made, problem = result.get(name), result.get("problem")
    return {
        "status": result["status"],
        name: made and msgspec.convert(_got(made), answer),
        "problem": problem and _error({"name": "Problem", **problem}),
    }


def _error(error: Any) -> Exception:
    """What the Python client would raise."""
    match error["name"]:
        case "Problem":
            kept = {name: error[name] for name in ("code", "detail", "errors") if name in error}
            raised: Any = Problem(error["status"], {**_figures(error["figures"]), **kept})
        case "NoReply":
            raised = NoReply(error["message"])
        case "NoConnection":
            raised = NoConnection(error["message"])
        case _:
            return TypeError(error["message"])
    raised.key = error.get("key")
    return raised  # type: ignore[no-any-return]  # One of the errors above.


def _figures(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a problem as its document has them: amounts are strings."""
    return {name: str(value) for name, value in _got(figures).items()}
