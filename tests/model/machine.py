"""The machine: drives the model and the real ledger through the same requests, at the same times.

Every answer must agree to the last field. At the end the books must too: every account, entry and
transaction. The clock is the machine's; it goes on by a millisecond for each request, and now and
then jumps to a hold's last microsecond, or to the very instant at which it expires.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.model.ledger import Body, Ledger, stamp
from tests.model.systems import Answer, Fault, Request, System

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = st.sampled_from(["a", "b", "c", "d"])
AMOUNTS = st.one_of(st.integers(1, 12), st.sampled_from([2**53 + 1, 10**30 - 1]))
IDS = st.sampled_from([f"t{number}" for number in range(12)])
KEYS = st.sampled_from([None, None, "k1", "k2"])
SIDES = st.sets(st.sampled_from(["debit", "credit"]), min_size=1)
LOWS = st.sampled_from([0, 0, None, None, -7, 1])
HIGHS = st.sampled_from([None, None, None, 20, 0])
METADATA = st.sampled_from([{}, {"k": "v"}])
TERMS = st.fixed_dictionaries(
    {
        "asset": st.sampled_from(["USD/2", "USD/2", "USD/2", "EUR/2"]),
        "normal": st.sampled_from(["debit", "credit"]),
        "min": LOWS,
        "max": HIGHS,
        "metadata": METADATA,
    }
)
CHANGES = st.fixed_dictionaries({}, optional={"min": LOWS, "max": HIGHS, "metadata": METADATA})
REFERENCES = st.sampled_from(["r1", "r2"])
EFFECTIVE = st.sampled_from([START - timedelta(days=1), START + timedelta(days=90)])


@st.composite
def legs(draw: st.DrawFn) -> tuple[Any, ...]:
    """Entries, nearly always balanced."""
    found = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        amount = draw(AMOUNTS)
        found += [(draw(ACCOUNTS), side, amount) for side in ("debit", "credit")]
    if draw(st.integers(0, 19)) == 0:
        account, side, amount = found[0]
        found[0] = (account, side, amount + 1)
    return tuple(draw(st.permutations(found)))


@st.composite
def creations(draw: st.DrawFn, hold: bool | None = None) -> Body:
    """A new transaction, or a hold."""
    asked: Body = {"id": draw(IDS), "legs": draw(legs())}
    if hold if hold is not None else draw(st.booleans()):
        asked["timeout"] = draw(st.sampled_from([None, 1, 5, 60]))
    more = st.fixed_dictionaries(
        {}, optional={"reference": REFERENCES, "metadata": METADATA, "effective": EFFECTIVE}
    )
    return {**asked, **draw(more)}


Asked = tuple[str, Body]
ASKED: st.SearchStrategy[Asked] = st.one_of(
    st.tuples(st.just("create"), creations()),
    st.tuples(st.just("create"), creations()),
    st.tuples(
        st.just("post"),
        st.fixed_dictionaries({"of": IDS, "amount": st.none() | st.integers(1, 12), "key": KEYS}),
    ),
    st.tuples(
        st.just("void"),
        st.fixed_dictionaries({"of": IDS, "reason": st.sampled_from([None, "x"]), "key": KEYS}),
    ),
    st.tuples(
        st.just("reverse"),
        st.fixed_dictionaries({"id": IDS, "of": IDS, "effective": st.none() | EFFECTIVE}),
    ),
    st.tuples(st.just("freeze"), st.fixed_dictionaries({"account": ACCOUNTS, "sides": SIDES})),
    st.tuples(st.just("unfreeze"), st.fixed_dictionaries({"account": ACCOUNTS, "sides": SIDES})),
    st.tuples(st.just("close"), st.fixed_dictionaries({"account": ACCOUNTS})),
    st.tuples(
        st.just("change"),
        st.builds(
            lambda account, version, terms: {"account": account, "if_version": version, **terms},
            ACCOUNTS,
            st.none() | st.integers(1, 9),
            CHANGES.filter(bool),
        ),
    ),
)

FAULTS: list[Fault] = ["the reply is lost", "the request is lost", "throttled"]

BAD: list[tuple[str, str, Any, str]] = [
    ("POST", "/accounts", {"asset": "USD/2"}, "validation_failed"),
    ("POST", "/accounts", {"asset": "usd", "normal_balance": "debit"}, "validation_failed"),
    ("POST", "/transactions", {"entries": []}, "validation_failed"),
    ("POST", "/transactions", {"entries": [], "colour": "blue"}, "validation_failed"),
    ("POST", "/transactions/batch", {"transactions": []}, "validation_failed"),
    ("POST", "/transactions/t1/post", {"amount": "01"}, "invalid_amount"),
    ("PATCH", "/accounts/a", {"min_balance": 1.5}, "invalid_amount"),
    ("PATCH", "/accounts/a", {"asset": "EUR/2"}, "validation_failed"),
]


def creation(asked: Body, as_numbers: bool = False) -> Body:
    """A new transaction's body."""
    body: Body = {
        "id": asked["id"],
        "entries": [
            {"account": a, "direction": side, "amount": amount if as_numbers else str(amount)}
            for a, side, amount in asked["legs"]
        ],
        **{name: asked[name] for name in ("reference", "metadata") if name in asked},
    }
    if "effective" in asked:
        body["effective_at"] = stamp(asked["effective"])
    if "timeout" in asked:
        body["pending"] = {"timeout_seconds": asked["timeout"]}
    return body


def request(operation: str, asked: Body) -> Request:
    """A request of the model as the API takes it."""
    key = {"Idempotency-Key": asked["key"]} if asked.get("key") else {}
    named = {"min": "min_balance", "max": "max_balance", "metadata": "metadata"}
    limits = {named[name]: asked[name] for name in named if name in asked}
    match operation:
        case "open":
            terms = {"asset": asked["asset"], "normal_balance": asked["normal"], **limits}
            return Request("POST", "/accounts", {"id": asked["account"], **terms})
        case "create":
            return Request("POST", "/transactions", creation(asked))
        case "post":
            amount = {} if asked["amount"] is None else {"amount": str(asked["amount"])}
            return Request("POST", f"/transactions/{asked['of']}/post", amount, key)
        case "void":
            reason = {} if asked["reason"] is None else {"reason": asked["reason"]}
            return Request("POST", f"/transactions/{asked['of']}/void", reason, key)
        case "reverse":
            when = asked["effective"]
            body = {"id": asked["id"], **({"effective_at": stamp(when)} if when else {})}
            return Request("POST", f"/transactions/{asked['of']}/reverse", body)
        case "change":
            match_ = {"If-Match": f'"{asked["if_version"]}"'} if asked["if_version"] else {}
            return Request("PATCH", f"/accounts/{asked['account']}", limits, match_)
        case "close":
            return Request("POST", f"/accounts/{asked['account']}/close", {})
        case _:
            sides = {f"{side}s": side in asked["sides"] for side in ("debit", "credit")}
            return Request("POST", f"/accounts/{asked['account']}/{operation}", sides)


class Machine(RuleBasedStateMachine):
    """Subclasses say which system it drives, in `make`."""

    make: Callable[[str, datetime], System]
    _names = count(1)

    @initialize(terms=st.lists(TERMS, min_size=3, max_size=3), funds=st.booleans())
    def begin(self, terms: list[Body], funds: bool) -> None:
        """Three accounts, and in half of the books some money to begin with."""
        name = f"model-{next(self._names)}"
        self.now = START
        self.model = Ledger(name, START)
        self.system = type(self).make(name, START)
        for account, each in zip("abc", terms, strict=True):
            self.do("open", {"account": account, **each})
        if funds:
            self.do("open", {"account": "d", **terms[0], "min": None, "max": None})
            for number, account in enumerate("abc"):
                side = self.model.accounts.get(account, terms[0])["normal"]
                other = "credit" if side == "debit" else "debit"
                entries = ((account, side, 15), ("d", other, 15))
                self.do("create", {"id": f"funds-{number}", "legs": entries})

    @rule(asked=ASKED)
    def ask(self, asked: Asked) -> None:
        """One request."""
        self.do(*asked)

    @rule(account=ACCOUNTS, terms=TERMS)
    def open(self, account: str, terms: Body) -> None:
        """An account, which may be open already."""
        self.do("open", {"account": account, **terms})

    @rule(asked=creations(hold=True))
    def hold(self, asked: Body) -> None:
        """A hold: most of what is interesting begins with one."""
        self.do("create", asked)

    @rule(
        asked=creations(),
        account=ACCOUNTS,
        other=ACCOUNTS,
        inwards=st.booleans(),
        beyond=st.booleans(),
    )
    def fill(self, asked: Body, account: str, other: str, inwards: bool, beyond: bool) -> None:
        """All that an account's limit has room for, or one unit more."""
        room = self.model.room(account, inwards)
        # An amount larger than that is not well-formed.
        if room is not None and 0 < room + beyond <= 10**30:
            normal = self.model.accounts[account]["normal"]
            sides = ("credit", "debit") if inwards == (normal == "credit") else ("debit", "credit")
            legs = tuple(zip((account, other), sides, [room + beyond] * 2, strict=True))
            self.do("create", {**asked, "legs": legs})

    @rule(asked=creations())
    def rehearse(self, asked: Body) -> None:
        """A dry run."""
        self.tick()
        told = self.system.call(
            request("create", asked)._replace(path="/transactions?dry_run=true")
        )
        self.agree(self.model.ask("create", **asked, dry=True), told)

    @rule(place=st.integers(0, 30))
    def repeat(self, place: int) -> None:
        """A transaction's request again, as it was or with other content."""
        known = [id for id, it in self.model.transactions.items() if len(it["content"]) == 2]
        if known:
            id = known[place % len(known)]
            legs, more = self.model.transactions[id]["content"]
            other = {**more, "reference": "other"} if place % 3 == 0 else more
            self.do("create", {"id": id, "legs": legs, **other})

    @rule(
        atomic=st.booleans(),
        asked=st.lists(creations(), min_size=1, max_size=4),
        again=st.booleans(),
    )
    def batch(self, atomic: bool, asked: list[Body], again: bool) -> None:
        """Several new transactions, perhaps one of them twice."""
        self.tick()
        asked = [*asked, asked[0]] if again else asked
        body = {"atomic": atomic, "transactions": [creation(each, True) for each in asked]}
        told = self.system.call(Request("POST", "/transactions/batch", body))
        assert told.status == 200, told
        expected = self.model.batch(atomic, asked)
        for (status, said), result in zip(expected, told.said["results"], strict=True):
            got = result["transaction"] if status < 300 else result["problem"]["code"]
            assert (result["status"], got) == (status, said), result
            assert result.get("replayed", False) == (status == 200)

    @rule(first=ASKED, second=ASKED)
    def race(self, first: Asked, second: Asked) -> None:
        """Two requests at once: as if one had come after the other."""
        self.tick()
        raced = self.system.race(request(*first), request(*second))
        order = [(first, raced.first), (second, raced.second)]
        if raced.second_came_first:
            self.model.release(raced.released)
            order.reverse()
        for (operation, asked), answer in order:
            self.agree(self.model.ask(operation, **asked), answer)

    @rule(asked=ASKED, faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=3))
    def ask_among_faults(self, asked: Asked, faults: list[Fault]) -> None:
        """A request whose writes meet some faults: it is answered as if there were none."""
        self.tick()
        operation, given = asked
        told = self.system.call_among(faults, request(operation, given), endless=False)
        self.agree(self.model.ask(operation, **given), told)

    @rule(asked=ASKED, first=st.sampled_from(FAULTS))
    def ask_in_vain(self, asked: Asked, first: Fault) -> None:
        """A request after whose first write the store is not to be had: nothing false is said, and
        the books are those that the first write has left.
        """
        self.tick()
        operation, given = asked
        told = self.system.call_among([first], request(operation, given), endless=True)
        if told.status != 503:
            assert not self.system.store.struck
            self.agree(self.model.ask(operation, **given), told)
        elif "the reply is lost" in self.system.store.struck:
            assert told.said == "outcome_unknown"
            assert self.model.ask(operation, **given)[0] < 300
        elif self.system.store.struck:
            struck = self.system.store.struck
            maybe = "the request is lost" in struck or operation in ("open", "create", "reverse")
            known = maybe or bool(given.get("key"))
            assert told.said == ("outcome_unknown" if known else "contention")
            self.model.release(self.system.store.released)
        else:
            # A refusal that could not be confirmed is not given.
            assert self.model.ask(operation, **given)[0] >= 400

    @rule(bad=st.sampled_from(BAD))
    def err(self, bad: tuple[str, str, Any, str]) -> None:
        """A request that is not well-formed."""
        method, path, body, code = bad
        told = self.system.call(Request(method, path, body))
        assert (told.status, told.said) == (400, code)

    @rule(seconds=st.sampled_from([0.5, 1, 5, 61]))
    def wait(self, seconds: float) -> None:
        """Time goes on."""
        self.now += timedelta(seconds=seconds)

    @rule(just_before=st.booleans())
    def wait_for_an_expiry(self, just_before: bool) -> None:
        """The clock stands at the instant at which the next hold expires, or a tick before."""
        due = [
            it["expires"]
            for it in self.model.transactions.values()
            if it["state"] == "pending" and it["expires"] and it["expires"] > self.now
        ]
        if due:
            # The next request comes a millisecond later.
            at = min(due) - timedelta(milliseconds=1, microseconds=int(just_before))
            self.now = max(self.now, at)

    @rule()
    def sweep(self) -> None:
        """What is due is released."""
        self.tick()
        due = [id for id, it in self.model.transactions.items() if self.model.is_due(it)]
        self.system.expire(due)
        self.model.release(due)

    @rule()
    def read(self) -> None:
        """What a strong read says, to which nothing has to arrive first, is so at this instant."""
        self.tick()
        for id in self.model.accounts:
            assert self.system.account_now(id) == self.model.read(id)
        for id in self.model.transactions:
            assert self.system.transaction_now(id) == self.model.read_transaction(id)

    def tick(self) -> None:
        """A millisecond goes by, on both clocks."""
        self.now += timedelta(milliseconds=1)
        self.model.now = self.system.now = self.now

    def do(self, operation: str, asked: Body) -> None:
        """One request to both."""
        self.tick()
        told = self.system.call(request(operation, asked))
        self.agree(self.model.ask(operation, **asked), told)

    def agree(self, expected: tuple[int, Any], told: Answer) -> None:
        """The answers are the same."""
        assert (told.status, told.said) == expected

    def teardown(self) -> None:
        """The books are the same."""
        if not hasattr(self, "system"):
            return
        for id, account in self.model.accounts.items():
            assert self.system.account(id) == self.model.read(id)
            entries = [(*entry, stamp(at)) for *entry, at in account["entries"]]
            assert self.system.entries(id) == entries
        for id in self.model.transactions:
            assert self.system.transaction(id) == self.model.read_transaction(id)
        for asset in {it["asset"] for it in self.model.accounts.values()}:
            mine = [it for it in self.model.accounts.values() if it["asset"] == asset]
            signed = [it["posted"] if it["normal"] == "debit" else -it["posted"] for it in mine]
            assert sum(signed) == 0
