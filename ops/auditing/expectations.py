"""Expectations: what the read tables must have, out of streams that were folded anew.

How a row is written is the read model's (`ops/verifying/rows.py`). What it says - states, sums,
versions - comes from the audit's own fold and count.
"""

from collections.abc import Iterator

from chalicelib.events.recorded import Recorded, Stream
from chalicelib.ledger.aggregates import account_state, metadata_set_by
from chalicelib.read_models.balances.table import row_of
from chalicelib.read_models.ledgers import AccountsLedger, JournalLedger
from chalicelib.read_models.statements.table import partition
from chalicelib.read_models.totals import table as totals
from chalicelib.read_models.totals.table import account_key
from chalicelib.read_models.transactions.table import key_of
from ops.auditing.scratch import Row
from ops.auditing.streams import StreamCheck
from ops.verifying import rows
from ops.verifying.raw import Item, digest, key_names
from ops.verifying.read_models import READ_MODELS

REGISTRIES = {"accounts_ledgers": AccountsLedger, "journal_ledgers": JournalLedger}
"""The read models that list ledgers."""

_BETWEEN = " "


def key_text(model: str, item: Item) -> str:
    """A row's key as one text; all of an account's statement has one."""
    names = key_names(READ_MODELS[model].table)
    if model == "statements":
        return str(item[names[0]]["S"])
    hash_key, *range_key = (item[name]["S"] for name in names)
    return _BETWEEN.join([hash_key.replace("%", "%25").replace(_BETWEEN, "%20"), *range_key])


def key_parts(key: str) -> tuple[str, str]:
    """The hash key and the range key, which is empty where there is none."""
    hash_key, _, range_key = key.partition(_BETWEEN)
    return hash_key.replace("%20", _BETWEEN).replace("%25", "%"), range_key


def rows_of(check: StreamCheck, statement: int) -> Iterator[Row]:
    """The rows that a stream asks for, with the sum of the digests of its statement's lines."""
    if check.stream is None:
        return
    if check.stream.kind == "transaction":
        yield from _of_transaction(check, check.stream)
    else:
        yield from _of_account(check, check.stream, statement)


def _of_account(check: StreamCheck, stream: Stream, statement: int) -> Iterator[Row]:
    empty = row_of(stream.ledger, stream.id)
    balance = f"{empty.partition}{_BETWEEN}{stream.id}"
    total = _BETWEEN.join(account_key(stream.ledger, stream.id))
    lines = partition(stream.ledger, stream.id)
    one, set_by = check.newest, check.metadata_set_by
    if not check.whole or one is None or set_by is None:
        for model, key in (("balances", balance), ("totals", total), ("statements", lines)):
            yield Row(model, key, check.version, "", check.asset)
        return
    for model, registry in REGISTRIES.items():
        item = rows.registry_row(registry, stream.ledger, account_state(one).asset)
        yield Row(model, key_text(model, item), 0, mark_of(item))
    posted = check.tally.posted
    balance_row = rows.balance_row(one, metadata_set_by(set_by))
    total_row = rows.total_row(one, posted["debit"], posted["credit"])
    yield Row("balances", balance, one.version, mark_of(balance_row))
    yield Row("totals", total, one.version, mark_of(total_row), check.asset)
    yield Row("statements", lines, one.version, f"{statement:032x}")


def _of_transaction(check: StreamCheck, stream: Stream) -> Iterator[Row]:
    key = key_of(stream.ledger, stream.id)
    if not check.whole or check.newest is None:
        yield Row("transactions", key, check.version, "")
        return
    yield Row("transactions", key, check.version, mark_of(rows.transaction_row(check.newest)))
    yield _day_of(check.newest)


def _day_of(one: Recorded) -> Row:
    """The row that lists the day of a transaction."""
    item = rows.day_row(one.stream.ledger, rows.day_of(one))
    return Row("transactions", key_text("transactions", item), 0, mark_of(item))


def mark_of(item: Item) -> str:
    """A row's digest as text."""
    return f"{digest(item):032x}"


def sum_key(account: str, asset: str) -> tuple[str, str]:
    """The shard's row that an account, by the hash key of its own row, adds to."""
    ledger, _, id = account.partition("/")
    return totals.shard_key(ledger, totals.shard_of(id)), asset
