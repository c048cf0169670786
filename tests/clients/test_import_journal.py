"""Journals of three tools are loaded by examples/import_journal.py, and agree with those tools."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import import_journal
import pytest
from twofold import Ledger, Transaction, credit, debit

from tests.clients.troubled import Troubled
from tests.engines import ROOT
from tests.programs import needed

JOURNALS = ROOT / "tests" / "data" / "journals"
PROGRAM = [sys.executable, str(ROOT / "examples" / "import_journal.py")]
"""The program as a person runs it, where it is to be killed."""


@dataclass(frozen=True)
class Known:
    """What is known of a test's journal without this program: some balances on their normal side,
    in the smallest unit, as the tool's own report prints them; how many transactions it becomes;
    and what is told to the person, by how it begins.
    """

    file: str
    tool: str
    assets: tuple[str, ...]
    transactions: int
    balances: dict[str, int]
    told: dict[str, int]

    @property
    def arguments(self) -> list[str]:
        """The journal, and other names for its commodities."""
        return [str(JOURNALS / self.file), *(f"--asset={asset}" for asset in self.assets)]


SHARES = Known(
    file="shares.beancount",
    tool="beancount",
    assets=(),
    transactions=13,
    balances={
        "Assets:Bank:Dollar:USD": 8161_89,
        "Assets:Bank:Giro:EUR": 1314_090,
        "Assets:Broker:HOOL": 2_20089,
        "Assets:Holiday-Days:DAYS": 1_5,
        "Expenses:Food:EUR": 49_204,
        "Income:Gains:USD": 432_60,
        "Equity:Conversions:Current:HOOL": 2_20089,
    },
    told={
        "custom directive": 1,
        "balance assertion": 2,
        "price": 1,
        "note on an account": 1,
        "declaration with metadata": 1,
        "account without postings": 1,
        "transaction that exchanges commodities": 6,
        "posting of amount 0": 2,
        "transaction that moves nothing": 1,
        "transaction that balances only within the tool's tolerance": 1,
    },
)
SHOP = Known(
    file="shop.hledger",
    tool="hledger",
    assets=("$=USD", "€=EUR"),
    transactions=124,
    balances={
        "assets:bank:USD": -29_624_19,
        "assets:bank_euro:EUR": 749_50,
        "assets:petty_cash:USD": -535_08,
        "assets:stock:Chocolate_Frogs": 12,
        "equity:retained_earnings:USD": -42_090_44,
        "expenses:.dc.bersetzung:USD": 0,
        "expenses:post_.26._parcels:USD": 0,
        "equity:conversion:EUR": 749_50,
        "equity:unbalanced:USD": 500_00,
        "savings:free:USD": -40_00,
    },
    told={
        "posting with a date of its own": 1,
        "balance assertion": 59,
        "market price": 1,
        "periodic transaction": 1,
        "transaction that exchanges commodities": 2,
        "posting of amount 0": 1,
        "transaction with virtual postings that do not balance": 1,
    },
)
HOUSEHOLD = Known(
    file="household.ledger",
    tool="ledger",
    assets=("$=USD",),
    transactions=10,
    balances={
        "Assets:Broker:AAPL": 6,
        "Assets:Cash:EUR": 200,
        "Assets:Checking:USD": 8_953_66,
        "Assets:Things:119:USD": 119_19,
        "Envelopes:Food:USD": 345_70,
        "Equity:Inventory:USD": 7_191_40,
        "Equity:Split:USD": 0,
        "Equity:Unbalanced:USD": 345_70,
        "Goals:Bicycle:USD": 45_00,
        "Goals:Open:USD": -50_00,
        "Work:Hours:s": 26_100,
    },
    told={
        "posting made by an automated transaction": 1,
        "market price": 2,
        "periodic transaction": 1,
        "transaction with virtual postings that do not balance": 2,
        "transaction that exchanges commodities": 3,
        "transaction of more than 96 entries": 1,
    },
)
KNOWN = [SHARES, SHOP, HOUSEHOLD]


def needs(tool: str) -> None:
    """Skips a test where a tool is missing; beancount is a package of Python."""
    if tool != "beancount":
        needed(tool)


class Ended(NamedTuple):
    """How the program ended, and what it printed."""

    status: int
    stdout: str
    stderr: str


class Program:
    """The program, run in the tests' own process: a traceback fails the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *arguments: object) -> Ended:
        """Runs it to its end."""
        self._monkeypatch.setattr(sys, "argv", ["import_journal.py", *map(str, arguments)])
        status = import_journal.main()
        return Ended(status, *self._capsys.readouterr())

    def loaded(self, *arguments: object) -> str:
        """What it prints where it ends well."""
        ended = self.run(*arguments)
        assert ended.status == 0, ended
        return ended.stdout


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(monkeypatch, capsys)


@pytest.mark.parametrize("known", [SHARES, HOUSEHOLD], ids=lambda known: known.tool)
def test_a_journal_is_loaded_agrees_with_its_tool_and_is_not_loaded_twice(
    url: str, ledger: str, program: Program, known: Known
) -> None:
    needs(known.tool)

    first = program.loaded(*known.arguments, "--url", url, "--ledger", ledger)

    assert f"\n{known.transactions} transactions posted, 0 were there already" in first
    assert_all_is_there(program, known, url, ledger)


def assert_all_is_there(program: Program, known: Known, url: str, ledger: str) -> None:
    """Another run posts nothing and agrees with the tool, and the ledger has what is known."""
    again = program.loaded(*known.arguments, "--url", url, "--ledger", ledger)

    assert f"\n0 transactions posted, {known.transactions} were there already" in again
    assert re.search(rf"\nall \d+ balances agree with {known.tool}'s\n$", again)
    with Ledger(ledger, url) as books:
        accounts = list(books.accounts.list())
    held = {account.id: account.posted for account in accounts}
    assert {id: held[id] for id in known.balances} == known.balances
    sides = Counter[tuple[str, str]]()
    for account in accounts:
        sides[account.asset, account.normal_balance] += account.posted
    for asset, _ in sides:
        assert sides[asset, "debit"] == sides[asset, "credit"]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.tool)
def test_all_that_is_not_loaded_as_it_stands_is_told(program: Program, known: Known) -> None:
    needs(known.tool)

    printed = program.loaded(*known.arguments, "--dry-run", "--all")

    kinds = re.findall(r"^  (\d+) x (.+)$", printed, re.MULTILINE)
    told = {kind: int(count) for count, kind in kinds}
    assert {re.split(r"[:(,]| \(", kind)[0].strip(): count for kind, count in told.items()} == (
        known.told
    )
    assert printed.count("\n      ") == sum(known.told.values())


def listed(books: Ledger, reference: str) -> list[Transaction]:
    """The transactions of a reference, once the listing, which knows no versions, has one."""
    for _ in range(300):
        if found := list(books.transactions.list(reference=reference)):
            return found
        time.sleep(0.1)
    return []


def test_what_a_journal_says_of_a_transaction_is_in_its_metadata(
    url: str, ledger: str, program: Program
) -> None:
    program.loaded(*SHARES.arguments, "--url", url, "--ledger", ledger)

    with Ledger(ledger, url) as books:
        (bought,) = listed(books, reference="order-1")
        broker = books.accounts.get("Assets:Broker:HOOL")

    assert f"{bought.effective_at:%Y-%m-%d %H:%M %Z}" == "2020-02-10 00:00 UTC"
    assert bought.metadata == {
        "description": "Broker | Buy the first lot",
        "flag": "*",
        "payee": "Broker",
        "tags": "shares",
        "links": "order-1",
        "meta.contract": "A-17",
        "entry.1": "cost 518.73 USD, 2020-02-10; note: long term",
    }
    assert [(one.account, one.direction, one.amount) for one in bought.entries] == [
        ("Assets:Broker:HOOL", "debit", 10_00000),
        ("Expenses:Fees:USD", "debit", 4_95),
        ("Assets:Bank:Dollar:USD", "credit", 5192_25),
        ("Equity:Conversions:Current:HOOL", "credit", 10_00000),
        ("Equity:Conversions:Current:USD", "debit", 5187_30),
    ]
    assert broker.metadata == {"account": "Assets:Broker", "commodity": "HOOL"}
    assert (broker.asset, broker.min_balance) == ("HOOL/5", None)


def test_a_program_that_was_killed_goes_on_where_it_was(
    url: str, line: Troubled, ledger: str, program: Program, tmp_path: Path
) -> None:
    """It is killed with three batches written, of which it has seen the answers of two."""
    needed("hledger")
    line.expect(
        "none",  # Is the server there?
        "none",  # Which transactions does it have?
        "none",  # The accounts.
        "none",
        "none",
        "lose the reply",
        "stall",
    )
    command = [*PROGRAM, *SHOP.arguments, "--ledger", ledger, "--url", line.url]
    printed = tmp_path / "printed"
    with printed.open("w") as output, subprocess.Popen(command, stdout=output) as killed:
        while line.troubles:
            assert killed.poll() is None, printed.read_text()
            time.sleep(0.01)
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    sent = [request for request in line.seen if request.path.endswith("/transactions/batch")]
    sizes = [len(json.loads(request.body)["transactions"]) for request in sent]
    assert printed.read_text().endswith(f"\ntransactions: {sum(sizes[:2])} of 124\n")
    assert sent[2].body == sent[3].body

    went_on = program.loaded(*SHOP.arguments, "--url", url, "--ledger", ledger)

    there = sum(sizes[:3])
    assert 0 < there < SHOP.transactions
    assert f"\n{SHOP.transactions - there} transactions posted, {there} were there" in went_on
    assert "balances agree with hledger's" in went_on
    assert_all_is_there(program, SHOP, url, ledger)


def test_a_journal_that_has_grown_is_loaded_further(
    url: str, ledger: str, program: Program, tmp_path: Path
) -> None:
    journal = tmp_path / "growing.beancount"
    journal.write_text((JOURNALS / SHARES.file).read_text())
    program.loaded(journal, "--url", url, "--ledger", ledger)
    with journal.open("a") as file:
        file.write('2020-01-20 * "Late"\n  Expenses:Food  5 EUR\n  Assets:Bank:Giro\n')
        file.write("2020-01-20 price HOOL  3 USD\n")

    grown = program.loaded(journal, "--url", url, "--ledger", ledger)

    assert "\n1 transactions posted, 13 were there already" in grown
    assert "balances agree with beancount's" in grown


def test_balances_that_differ_are_listed(url: str, ledger: str, program: Program) -> None:
    program.loaded(*SHARES.arguments, "--url", url, "--ledger", ledger)
    with Ledger(ledger, url) as books:
        books.accounts.open("elsewhere", asset="EUR/3", normal_balance="debit", min_balance=None)
        beside = books.transactions.post(
            [debit("elsewhere", 12), credit("Assets:Bank:Giro:EUR", 12)]
        )
        for entry in beside.entries:  # Until what is compared shows it.
            books.accounts.get(entry.account, min_version=entry.version)

    ended = program.run(*SHARES.arguments, "--url", url, "--ledger", ledger)

    assert ended.status == 1
    rows = [line.split() for line in ended.stdout.splitlines()[-4:]]
    assert rows == [
        ["2", "balances", "differ"],
        ["account", "beancount", "Twofold", "difference"],
        ["Assets:Bank:Giro:EUR", "1314.09", "1314.078", "-0.012"],
        ["elsewhere", "0", "0.012", "0.012"],
    ]


def test_what_the_ledger_refuses_is_said_in_one_line(
    url: str, ledger: str, program: Program
) -> None:
    where = ("--url", url, "--ledger", ledger)
    with Ledger(ledger, url) as books:
        books.accounts.open("Expenses:Food:EUR", asset="EUR/2", normal_balance="debit")

    refused = program.run(*SHARES.arguments, *where)

    assert refused.status == 1
    assert re.fullmatch(
        r"error: account Expenses:Food:EUR \(EUR/3\): account_exists: .+ fresh --ledger\n",
        refused.stderr,
    )


BROKEN = {
    "unbalanced.beancount": '2020-01-01 open Assets:A\n2020-01-02 * "x"\n  Assets:A  1 USD\n',
    "no-words.beancount": "hello world\n",
    "empty.beancount": "",
    "unbalanced.hledger": "2020-01-02 x\n  a  $1\n  b  $1\n",
    "long.hledger": "2020-01-02 x\n  a  0.12345678901 ETH\n  b\n",
    "empty.hledger": "",
    "unbalanced.ledger": "2020-01-02 x\n  a  $1\n  b  $1\n",
    "empty.ledger": "",
    "fine.beancount": '2020-01-01 open Assets:A\n2020-01-02 * "x"\n'
    "  Assets:A  1.25 USD\n  Assets:A  -1.25 USD\n",
    "huge.beancount": '2020-01-01 open Assets:A\n2020-01-02 * "x"\n'
    f"  Assets:A  1{'0' * 31} USD\n  Assets:A  -1{'0' * 31} USD\n",
    "whose.txt": "",
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.beancount"], r"cannot read .*nothing\.beancount: No such file or directory"),
        (["."], r"whose journal is .*\? Say --tool beancount, hledger or ledger"),
        ([".", "--tool=ledger"], r"cannot read .*: Is a directory"),
        (["whose.txt"], r"whose journal is .*whose\.txt\? Say --tool beancount, hledger or ledger"),
        (["unbalanced.beancount"], r"beancount finds errors: .*:2: Transaction does not balance.*"),
        (["no-words.beancount"], r"beancount finds errors: .*no-words\.beancount:1: .*"),
        (["empty.beancount"], "beancount finds no transaction in the journal"),
        (["unbalanced.hledger"], r"hledger cannot read the journal: .*unbalanced.*"),
        (
            ["long.hledger"],
            r"0\.1234567890 ETH may be rounded, since hledger exports at most 10 .*",
        ),
        (["empty.hledger"], "hledger finds no transaction in the journal"),
        (["unbalanced.ledger"], r"ledger cannot read the journal: .*[Uu]nbalanced.*"),
        (["empty.ledger"], "ledger finds no transaction in the journal"),
        (["fine.beancount", "--scale=USD=1"], "--scale USD=1: the journal's amounts need 2, .*"),
        (["fine.beancount", "--asset=CHF=X"], "--asset CHF=X: the journal has no commodity 'CHF'"),
        (["fine.beancount", "--asset=USD=USD"], ".* another commodity has that name"),
        (["huge.beancount"], r"2020-01-02 x: 10+ USD is more than Twofold takes: .*"),
        (
            ["fine.beancount", "--url=http://127.0.0.1:9"],
            r"nobody answers at http://127\.0\.0\.1:9; is the server running\?",
        ),
        (["fine.beancount", "--url=http://a b"], r"http://a b cannot be asked: .*"),
        (["fine.beancount", "--url=nowhere"], "nowhere is no address of a server, such as .*"),
    ],
)
def test_a_mistake_is_answered_in_one_line(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: Sequence[str],
    said: str,
) -> None:
    monkeypatch.setattr(import_journal, "REACHED_WITHIN_SECONDS", 0.2)
    needs({".hledger": "hledger", ".ledger": "ledger"}.get(Path(arguments[0]).suffix, "beancount"))
    for name, text in BROKEN.items():
        (tmp_path / name).write_text(text)

    ended = program.run(tmp_path / arguments[0], *arguments[1:])

    assert re.fullmatch(f"error: {said}\n", ended.stderr), ended.stderr
    assert ended.status == 1


def test_a_tool_that_is_missing_is_named_with_how_to_install_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    ended = program.run(JOURNALS / SHOP.file)

    assert ended.status == 1
    assert ended.stderr == (
        "error: hledger is not installed; on Debian or Ubuntu: apt-get install hledger\n"
    )
