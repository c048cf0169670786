"""Ledger: one ledger over HTTP, with a method for every route of its API.

Every write is safe to send again, and is sent again when its reply is lost. An opening, a
transaction, a reversal, a batch, and the posting or voiding of a hold carry an id, made here where
the caller gives none, which the ledger does once. Changing, freezing, unfreezing and closing say
how an account shall be, and a second time change nothing.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import msgspec

from twofold.accounts import Accounts
from twofold.calls import PAGE, Api, Calls, convert, read
from twofold.messages import Health, Integrity, LedgerEntry, Status, TrialBalance
from twofold.transactions import Transactions
from twofold.transport import Transport
from twofold.versions import Versions


class Ledger:
    """A ledger, by its name: its `accounts` and its `transactions`.

    It is found in one of two ways. At `url`, which is the Write API's, or that of a server of all
    three APIs; where the Read APIs have addresses of their own, name them as `accounts_url` and
    `journal_url`. Or below `root`, the address of a deployment with a domain of its own, which has
    the three APIs at `{root}/write`, `{root}/accounts` and `{root}/journal`. Slashes at the end of
    an address do not count.

    A `key` is sent as a bearer's; white space around it, such as a file's last line end, does not
    count. One attempt may take `timeout` seconds, and a call, with all its attempts, `deadline`
    seconds. Threads may share a Ledger, which keeps up to `connections` connections for them.

    It remembers the newest version that it has seen of each account and transaction, of at most
    `remember_versions` of them (0: of none), and its reads of one of them show at least that
    version. So it reads its own writes, and never sees something older than before.

    Making one raises ValueError unless it is told either `url` or `root`, with http or https, and
    for a key with characters that no key has. Every method raises Problem for what the ledger
    refuses, NoReply where the deadline passes without an answer, and NoConnection at once where
    there is no connection. Listings ask while they are iterated over, and raise then.
    """

    def __init__(
        self,
        name: str,
        url: str | None = None,
        *,
        root: str | None = None,
        accounts_url: str | None = None,
        journal_url: str | None = None,
        key: str | None = None,
        timeout: float = 15,
        deadline: float = 60,
        connections: int = 10,
        remember_versions: int = 10_000,
    ) -> None:
        self._roots = _addresses(url, accounts_url, journal_url, root=root)
        self._transport = Transport(
            key=_key(key), timeout=timeout, deadline=deadline, connections=connections
        )
        self._calls = Calls(name, self._roots, self._transport, Versions(remember_versions))
        self.accounts = Accounts(self._calls)
        self.transactions = Transactions(self._calls)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def trial_balance(self) -> TrialBalance:
        """The trial balance: whether debits equal credits, by asset."""
        return self._calls.get("journal", "/trial-balance", TrialBalance)

    def ledgers(self, api: Api = "journal") -> Iterator[LedgerEntry]:
        """All ledgers that the key opens and a Read API has, in the order of their ids."""
        query = {"limit": str(PAGE)}
        while True:
            reply = self._transport.send("GET", f"{self._roots[api]}/ledgers", query=query)
            page = msgspec.json.decode(reply.body)
            for found in page["ledgers"]:
                yield convert(found, LedgerEntry)
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def integrity(self) -> Integrity:
        """The verdict of the last audit of the ledger."""
        return self._calls.get("journal", "/integrity", Integrity)

    def status(self, api: Literal["accounts", "journal"] = "journal") -> Status:
        """How far the read models of a Read API have come in the ledger, and the last audit."""
        return self._calls.get(api, "/status", Status)

    def health(self, api: Api = "write") -> Health:
        """Whether an API answers, and what it serves."""
        return read(self._transport.send("GET", f"{self._roots[api]}/health"), Health)


def _addresses(
    url: str | None, accounts_url: str | None, journal_url: str | None, *, root: str | None
) -> dict[Api, str]:
    """The addresses of the three APIs, without a slash at their ends. Raises ValueError."""
    if root is None:
        if not url:
            raise ValueError("where is the ledger? Give its url, or the root of its domain")
        named: dict[Api, str] = {
            "write": url,
            "accounts": accounts_url or url,
            "journal": journal_url or url,
        }
    elif url is not None or accounts_url is not None or journal_url is not None:
        raise ValueError(
            "root is the address of all three APIs: give either root, "
            "or url with accounts_url and journal_url"
        )
    else:
        below = root.rstrip("/")
        named = {api: f"{below}/{api}" for api in ("write", "accounts", "journal")}
    for address in named.values():
        if not address.lower().startswith(("http://", "https://")):
            raise ValueError(f"{address} is not an address: it begins with http:// or https://")
        try:
            _ = urlsplit(address).port
        except ValueError as error:
            raise ValueError(f"{address} is not an address: {error}") from None
    return {api: address.rstrip("/") for api, address in named.items()}


def _key(given: str | None) -> str | None:
    """The key without white space around it. Raises ValueError, which does not show the key."""
    key = (given or "").strip()
    if not all("!" <= character <= "~" for character in key):
        raise ValueError("a key is of visible ASCII characters, without spaces")
    return key or None
