"""Operating: every alarm is explained, and the commands that answer it do what the page says."""

import re
import shlex
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from chalicelib.events import stream
from chalicelib.events.dynamodb import DynamoStore
from chalicelib.read_models.accounts import GROUP
from chalicelib.read_models.balances.queries import GetAccount
from ops.__main__ import ops
from ops.alarms import alarms
from ops.mappings import camel
from ops.stages import PROJECT, stages
from ops.template import extras, tables_of
from tests.ask import ask
from tests.books import Bookkeeper
from tests.deliveries import record_of
from tests.projected import group_of

pytestmark = pytest.mark.usefixtures("own_home")

PAGE = (PROJECT / "docs" / "operating.md").read_text()
ALARMS = {name for stage in stages("prod") for name in alarms(stage, tables_of(stage))}

Operator = Callable[[str], Result]


@pytest.fixture
def operator(moto: None) -> Operator:  # noqa: ARG001  # Asked for its tables.
    """Runs a command of the page, on the tables of this test."""

    def run(command: str) -> Result:
        words = [word for word in shlex.split(command) if word != "--local"]
        if "--stage" in words:
            del words[words.index("--stage") : words.index("--stage") + 2]
        return CliRunner().invoke(ops, words)

    return run


def test_every_alarm_of_the_template_is_explained() -> None:
    explained = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))

    assert ALARMS
    for name in ALARMS:
        assert any(name.removesuffix("Alarm").endswith(heading) for heading in explained), name
    for heading in explained:
        assert any(name.removesuffix("Alarm").endswith(heading) for name in ALARMS), heading


def test_the_costs_page_counts_the_alarms_and_dashboards_of_production() -> None:
    """CloudWatch's pricing page: an alarm 0.10 $ and a dashboard 3.00 $ a month."""
    costs = (PROJECT / "docs" / "deploying.md").read_text()
    counts = [len(alarms(stage, tables_of(stage))) for stage in stages("prod")]
    boards = [
        name
        for stage in stages("prod")
        for name, part in extras(stage)["Resources"].items()
        if part.get("Type") == "AWS::CloudWatch::Dashboard"
    ]
    added, total, times = " + ".join(map(str, counts)), sum(counts), "\N{MULTIPLICATION SIGN}"
    assert f"| alarms | {added} | {total} {times} 0.10 | {total * 0.1:.2f} |" in costs
    (line,) = (line for line in costs.splitlines() if line.startswith("| dashboards |"))
    assert line.startswith(f"| dashboards | {len(boards)}; ")
    assert f"| {len(boards)} {times} 3.00 | 0 to {len(boards) * 3:.2f} |" in line


def test_every_alarm_looks_at_something_of_its_own_stage() -> None:
    for stage in stages("prod"):
        resources = extras(stage)["Resources"]
        # Chalice makes these of the app.
        made = {camel(function) for function in stage.functions}
        for name in alarms(stage, tables_of(stage)):
            for dimension in resources[name]["Properties"]["Dimensions"]:
                if isinstance(dimension["Value"], dict):
                    (target,) = dimension["Value"].values()
                    target = target[0] if isinstance(target, list) else target
                    assert target in made | resources.keys(), (stage.name, name)


def test_what_is_parked_is_listed_shown_and_projected_when_the_cause_is_gone(
    operator: Operator, ledger: str
) -> None:
    books = Bookkeeper(ledger, DynamoStore())
    books.open_till()
    books.pay_in("t1", 5)
    held = books.of("alice")[1]
    place = f"{held.stream}#{held.version:016d}"

    def broken(_: object) -> None:
        raise ValueError("a room that cannot bear it")

    group = group_of(broken, dead_letters=GROUP.dead_letters, name="ops")
    fed = stream.feed(group, [record_of(held)], history=DynamoStore().history)
    assert fed.dead_letters == 1

    listed = operator("--stage accounts dead-letters list")
    shown = operator(f"--stage accounts dead-letters show accounts '{place}'")
    driven = operator("--stage accounts redrive accounts")
    again = operator("--stage accounts redrive accounts")

    assert place in listed.output
    assert "a room that cannot bear it" in listed.output
    assert "1 dead letter\n" in listed.output
    assert "EntryPosted" in shown.output
    assert "ValueError" in shown.output
    assert (driven.exit_code, driven.output) == (0, "1 projected, 0 still dead letters\n")
    assert (again.exit_code, again.output) == (0, "0 projected, 0 still dead letters\n")
    assert ask(GetAccount(ledger=ledger, account="alice")).posted == "5"


def test_a_record_that_names_no_event_can_only_be_forgotten(
    operator: Operator, ledger: str
) -> None:
    nonsense = {"kinesis": {"sequenceNumber": f"495{ledger}", "data": "bm90IEpTT04="}}
    stream.feed(GROUP, [nonsense], history=DynamoStore().history)

    driven = operator("--stage accounts redrive accounts")
    forgotten = operator(f"--stage accounts parked forget accounts '#495{ledger}'")
    listed = operator("--stage accounts dead-letters list accounts")

    assert driven.exit_code == 1
    assert "1 still dead letters" in driven.output
    assert forgotten.exit_code == 0
    assert listed.output == "0 dead letters\n"


def test_a_batch_that_lambda_gave_up_on_is_fed_from_the_event_table(
    operator: Operator, ledger: str
) -> None:
    books = Bookkeeper(ledger, DynamoStore())
    books.open_till()
    books.pay_in("t1", 5)

    rebuilt = operator("--stage accounts rebuild accounts")

    assert rebuilt.exit_code == 0, rebuilt.output
    assert ask(GetAccount(ledger=ledger, account="alice")).posted == "5"
