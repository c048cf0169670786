"""Loads a beancount, hledger or ledger-cli journal, and compares every balance with the tool's own.

Against a running `make run`: `python examples/import_journal.py books.beancount`. beancount's
library (`pip install beancount`), hledger or ledger must be installed. Running it again goes on
where it was stopped, and loads what was added to the journal: docs/importing-journals.md.
"""

import argparse
import io
import sys
import time
from pathlib import Path

from journals import beancount_file, hledger_file, ledger_file
from journals.comparing import differences, table
from journals.loading import load
from journals.model import Journal, JournalError
from journals.names import ledger_id
from journals.plan import Plan, plan_of
from twofold import Ledger, NoReply, Problem
from urllib3.exceptions import HTTPError

READERS = {
    "beancount": beancount_file.read,
    "hledger": hledger_file.read,
    "ledger": ledger_file.read,
}
TOOL_OF = {
    ".beancount": "beancount",
    ".bean": "beancount",
    ".hledger": "hledger",
    ".journal": "hledger",
    ".ledger": "ledger",
    ".dat": "ledger",
}
PLACES = 10
"""The number of examples that are shown of each kind of notice."""

REACHED_WITHIN_SECONDS = 5


def main() -> int:
    """Loads and compares; 0 if all balances agree, 1 if not, or if it cannot be done."""
    asked = _arguments()
    try:
        journal = _read(asked.journal, asked.tool).renamed(dict(asked.asset))
        plan = plan_of(journal, dict(asked.scale))
        _print_plan(journal, plan, None if asked.all else PLACES)
        return 0 if asked.dry_run else _load_and_compare(asked, journal, plan)
    except JournalError as error:
        return _failed(str(error))
    except Problem as problem:
        where = f"{problem.key}: " if problem.key else ""
        return _failed(f"{asked.url}: {where}{problem.code}: {problem.detail}")
    except NoReply as error:
        return _failed(f"no answer from {asked.url}: {error}; run it again to go on")
    except KeyboardInterrupt:
        return _failed("stopped; run it again to go on")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("journal", type=Path, help="the journal's main file")
    parser.add_argument(
        "--tool", choices=READERS, help="whose journal it is, where its name does not tell"
    )
    parser.add_argument(
        "--url", default="http://127.0.0.1:8000", help="the Write API, or a server of all APIs"
    )
    parser.add_argument("--accounts-url", help="the accounts' Read API, where it is another")
    parser.add_argument("--journal-url", help="the journal's Read API, where it is another")
    parser.add_argument("--ledger", help="the ledger to load into (default: named as the file)")
    parser.add_argument("--key", help="an API key, where one is asked for")
    parser.add_argument(
        "--asset",
        action="append",
        default=[],
        type=_naming,
        metavar="COMMODITY=NAME",
        help="another name for a commodity, such as $=USD",
    )
    parser.add_argument(
        "--scale",
        action="append",
        default=[],
        type=_scale,
        metavar="COMMODITY=DIGITS",
        help="digits behind the point (default: the most that an amount of it has)",
    )
    parser.add_argument("--all", action="store_true", help="list all places of each notice")
    parser.add_argument("--dry-run", action="store_true", help="say what would be loaded, and stop")
    return parser.parse_args()


def _naming(text: str) -> tuple[str, str]:
    commodity, _, name = text.rpartition("=")
    if not commodity or not name:
        raise argparse.ArgumentTypeError(f"{text} is not COMMODITY=NAME, such as $=USD")
    return commodity, name


def _scale(text: str) -> tuple[str, int]:
    commodity, _, digits = text.rpartition("=")
    if not commodity or not (digits.isascii() and digits.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} is not COMMODITY=DIGITS, such as USD=2")
    return commodity, int(digits)


def _read(path: Path, tool: str | None) -> Journal:
    tool = tool or TOOL_OF.get(path.suffix)
    if tool is None:
        raise JournalError(f"whose journal is {path}? Say --tool beancount, hledger or ledger")
    try:
        with path.open("rb"):
            pass
        return READERS[tool](path)
    except OSError as error:
        raise JournalError(f"cannot read {error.filename}: {error.strerror}") from None


def _print_plan(journal: Journal, plan: Plan, most: int | None) -> None:
    assets = sorted({new.asset for new in plan.accounts.values()})
    print(
        f"{len(journal.transactions):,} transactions of {journal.tool} become "
        f"{len(plan.transactions):,}, on {len(plan.accounts):,} accounts in {', '.join(assets)}"
    )
    if told := journal.notices.lines(most):
        print("\nNot loaded as it stands:", *told, "", sep="\n")


def _load_and_compare(asked: argparse.Namespace, journal: Journal, plan: Plan) -> int:
    name = asked.ledger or ledger_id(asked.journal.stem)
    _reach(name, asked.url)
    began = time.monotonic()
    with Ledger(
        name,
        asked.url,
        accounts_url=asked.accounts_url,
        journal_url=asked.journal_url,
        key=asked.key,
    ) as ledger:
        loaded = load(ledger, plan, _progress)
        seconds = time.monotonic() - began
        print(
            f"{loaded.posted:,} transactions posted, "
            f"{len(plan.transactions) - loaded.posted:,} were there already, "
            f"in the ledger {name}, in {seconds:.1f} s"
        )
        found = differences(ledger, plan, loaded.versions, _progress)
    if found:
        print(f"\n{len(found):,} balances differ", *table(found, journal.tool), sep="\n")
        return 1
    print(f"all {plan.compared:,} balances agree with {journal.tool}'s")
    return 0


def _reach(name: str, url: str) -> None:
    """Raises JournalError unless a server replies there."""
    if not url.startswith(("http://", "https://")):
        raise JournalError(f"{url} is no address of a server, such as http://127.0.0.1:8000")
    try:
        with Ledger(name, url, deadline=REACHED_WITHIN_SECONDS) as ledger:
            ledger.health()
    except NoReply:
        raise JournalError(f"nobody answers at {url}; is the server running?") from None
    except HTTPError as error:
        raise JournalError(f"{url} cannot be asked: {error}") from None


def _progress(what: str, done: int, of: int) -> None:
    """One line that is updated at a terminal, and a line for each step elsewhere."""
    end = "\n" if done == of or not sys.stdout.isatty() else "\r"
    print(f"{what}: {done:,} of {of:,}", end=end, flush=True)


def _failed(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a journal's letters.
            stream.reconfigure(errors="replace")
    sys.exit(main())
