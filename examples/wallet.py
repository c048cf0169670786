"""A wallet: opened, topped up, charged by a hold that is captured in part, and given a refund.

Against a running `make run`: `python examples/wallet.py --url http://127.0.0.1:8000`.
"""

import argparse

from twofold import Ledger, NoReply, Pending, Problem, Transaction, credit, debit

ASSET = "USD/2"


def main() -> None:
    """Does it all in a ledger of the caller's choice, with ids of its own: a second run finds
    everything done and prints the same.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where Twofold answers")
    parser.add_argument("--ledger", default="wallets", help="the ledger to do it in")
    parser.add_argument("--key", help="an API key, where one is asked for")
    asked = parser.parse_args()
    try:
        with Ledger(asked.ledger, asked.url, key=asked.key) as ledger:
            spend(ledger)
    except Problem as problem:
        raise SystemExit(f"Error: {problem.code}: {problem.detail}") from None
    except (NoReply, ValueError) as error:  # A ValueError is an address that is none.
        raise SystemExit(f"Error: {error}") from None


def spend(ledger: Ledger) -> None:
    """What one customer does in a day."""
    # What customers have is owed to them: a wallet grows on the credit side.
    ledger.accounts.open("bank", asset=ASSET, normal_balance="debit", min_balance=None)
    ledger.accounts.open("shop", asset=ASSET, normal_balance="credit")
    ledger.accounts.open(
        "wallet:alice", asset=ASSET, normal_balance="credit", metadata={"name": "Alice"}
    )
    print("Alice opens a wallet.")

    topped_up = ledger.transactions.post(
        [debit("bank", 50_00), credit("wallet:alice", 50_00)],
        id="top-up-1",
        reference="card payment",
    )
    print(f"She tops it up with {money(moved(topped_up))}.")

    hold = ledger.transactions.post(
        [debit("wallet:alice", 30_00), credit("shop", 30_00)],
        id="order-1",
        reference="order 1",
        pending=Pending(timeout_seconds=7 * 24 * 3600),
    )
    print(f"She orders for {money(moved(hold))}, which is held.")
    refuse_more_than_is_left(ledger)

    captured = ledger.transactions.post_hold("order-1", amount=24_50, idempotency_key="parcel-1")
    print(f"One thing is out of stock: the shop captures {money(moved(captured))}.")

    refunded = ledger.transactions.post(
        [debit("shop", 4_50), credit("wallet:alice", 4_50)], id="refund-1", reference="order 1"
    )
    print(f"Another comes back: the shop refunds {money(moved(refunded))}.\n")
    print_statement(ledger)


def refuse_more_than_is_left(ledger: Ledger) -> None:
    """Tries to spend held money for another order."""
    try:
        ledger.transactions.post(
            [debit("wallet:alice", 40_00), credit("shop", 40_00)], id="order-2"
        )
    except Problem as problem:
        print(f"Another order, for {money(40_00)}, is refused: {problem.code}.")


def print_statement(ledger: Ledger) -> None:
    """The wallet's statement, which shows everything that this client has posted on it."""
    wallet = ledger.accounts.get("wallet:alice")
    statement = ledger.accounts.statement(wallet.id)
    print(f"Statement of {wallet.metadata['name']}'s wallet, in {statement.asset}")
    print(f"  {'opening balance':<34}{money(statement.opening_balance):>10}")
    for entry in statement.entries:
        amount = entry.amount if entry.direction == "credit" else -entry.amount
        what = f"{entry.transaction:<12}{entry.reference or '':<14}"
        print(f"  {what}{money(amount):>8}{money(entry.balance_after):>10}")
    print(f"  {'closing balance':<34}{money(statement.closing_balance):>10}")
    print(f"  {'available':<34}{money(wallet.available):>10}")


def moved(transaction: Transaction) -> int:
    """The amount of a transaction of two entries."""
    return transaction.entries[0].amount


def money(cents: int) -> str:
    """Cents as dollars, exactly."""
    sign, cents = "-" if cents < 0 else "", abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02}"


if __name__ == "__main__":
    main()
