"""What the client's users are shown is run, and its output compared."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import ROOT, free_port

PRINTED = """\
Alice opens a wallet.
She tops it up with 50.00.
She orders for 30.00, which is held.
Another order, for 40.00, is refused: insufficient_funds.
One thing is out of stock: the shop captures 24.50.
Another comes back: the shop refunds 4.50.

Statement of Alice's wallet, in USD/2
  opening balance                         0.00
  top-up-1    card payment     50.00     50.00
  order-1     order 1         -24.50     25.50
  refund-1    order 1           4.50     30.00
  closing balance                        30.00
  available                              30.00
"""


ROWS = 60


def run(*arguments: str) -> str:
    """What a program prints."""
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_wallet_prints_its_statement_and_a_second_time_the_same(url: str, ledger: str) -> None:
    for _ in range(2):
        assert run("examples/wallet.py", "--url", url, "--ledger", ledger) == PRINTED


README = (ROOT / "clients" / "python" / "README.md").read_text()
WALLET, MORE, ASYNC = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def here(code: str, url: str, ledger: str) -> str:
    """The README's code, on the tests' server and in a ledger of its own."""
    return re.sub(r'"(acme|async)", "http://127.0.0.1:8000"', f'"{ledger}", "{url}"', code)


def test_the_readme_of_the_client_begins_with_a_wallet_in_15_lines(url: str, ledger: str) -> None:
    (expected,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)

    assert README.index(WALLET) < 200
    assert len(WALLET.splitlines()) <= 15
    for _ in range(2):
        assert run("-c", here(WALLET, url, ledger)) == expected


def test_calls_run_in_threads_from_asyncio(url: str, ledger: str) -> None:
    assert run("-c", here(ASYNC, url, ledger)) == "10\n"


def test_the_code_of_the_clients_readme_runs_as_it_stands(url: str, ledger: str) -> None:
    printed = run("-c", here(MORE, url, ledger)).splitlines()

    assert printed[:2] == ["False", "insufficient_funds 500"]
    assert [line.split()[2:] for line in printed[2:]] == [
        ["credit", "1000", "1000"],
        ["debit", "500", "500"],
    ]


def test_the_demo_agrees_with_the_bank_and_posts_nothing_twice(
    url: str, ledger: str, tmp_path: Path
) -> None:
    sample = (ROOT / "tests" / "data" / "berka-sample.csv").read_text().splitlines()
    data = tmp_path / "bank.csv"
    data.write_text("\n".join(sample[: 1 + ROWS]))
    demo = ("-m", "ops", "demo", "--url", url, "--ledger", ledger, str(data))

    first, again = run(*demo), run(*demo)

    assert f"{ROWS} transactions posted, 0 were there already" in first
    assert f"0 transactions posted, {ROWS} were there already" in again
    for printed in (first, again):
        assert re.search(r"debits ([\d,]+)  credits \1  balanced", printed)
        assert f"{ROWS} of {ROWS} running balances agree with the bank's" in printed


@pytest.mark.parametrize(
    "program", [("examples/wallet.py",), ("-m", "ops", "demo", "tests/data/berka-sample.csv")]
)
def test_without_a_server_a_program_says_in_one_line_what_to_do(
    program: tuple[str, ...],
) -> None:
    address = f"http://127.0.0.1:{free_port()}"

    ended = subprocess.run(
        [sys.executable, *program, "--url", address],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: no connection to {address}: Connection refused. Nothing was sent. "
        "Is the server running? `make run` starts one on this machine\n"
    )


def test_the_demo_says_in_one_line_what_the_ledger_refuses(url: str, tmp_path: Path) -> None:
    data = tmp_path / "bank.csv"
    data.write_text("trans_id,date,account,amount,balance_after,operation,category\n")
    data.write_text(data.read_text() + "1,1993-01-01,no id,100,100,,\n")
    command = [sys.executable, "-m", "ops", "demo", "--url", url, str(data)]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: validation_failed: id")
