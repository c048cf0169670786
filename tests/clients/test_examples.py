"""What the client's users are shown is run, and its output compared."""

import re
import subprocess
import sys
from pathlib import Path

from tests.engines import ROOT

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
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_wallet_prints_its_statement_and_a_second_time_the_same(url: str, ledger: str) -> None:
    for _ in range(2):
        assert run("examples/wallet.py", "--url", url, "--ledger", ledger) == PRINTED


def test_the_code_of_the_clients_readme_runs_as_it_stands(url: str, ledger: str) -> None:
    text = (ROOT / "clients" / "python" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    here = code.replace("http://127.0.0.1:8000", url).replace('"acme"', f'"{ledger}"')

    printed = run("-c", here).splitlines()

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


def test_the_demo_says_in_one_line_what_the_ledger_refuses(url: str, tmp_path: Path) -> None:
    data = tmp_path / "bank.csv"
    data.write_text("trans_id,date,account,amount,balance_after,operation,category\n")
    data.write_text(data.read_text() + "1,1993-01-01,no id,100,100,,\n")
    command = [sys.executable, "-m", "ops", "demo", "--url", url, str(data)]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: validation_failed: id")
