"""What is taken down with a stage, what is kept, and what is said of both."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ops.deploying import takedown
from ops.deploying.tables import StageTables, tables_of
from ops.deploying.takedown import Takedown
from ops.stages import Stage, stage_named
from tests.ops.deploying.cloudformation import Cloud
from tests.ops.deploying.conftest import ACCOUNTS, REGION, WRITE, Maker, writing
from tests.ops.deploying.test_life_of_a_stack import BALANCES, EVENTS, KEYS, up

THERE = "us-west-2"
POINTERS = "twofold-prod-generations"
TABLES = {
    "write": StageTables([EVENTS, KEYS], [], POINTERS, []),
    "accounts": StageTables([], [BALANCES, f"{BALANCES}_b"], POINTERS, ["balances"]),
}

Taken = Callable[..., list[str]]


@pytest.fixture
def take_down(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Takes a stage down, or says what would be; the lines."""
    names: Callable[[Stage], StageTables] = lambda stage: TABLES[stage.name]  # noqa: E731  # Typed.
    monkeypatch.setattr(takedown, "tables_of", names)

    def run(
        stage: Stage, *, with_books: bool = False, with_copies: bool = False, plan: bool = False
    ) -> list[str]:
        down = Takedown(stage, REGION, cloud.client, with_books, with_copies)
        return list(down.plan() if plan else down.run())

    return run


def names(cloud: Cloud) -> set[str]:
    """The tables at home."""
    return {name for name, region in cloud.tables if region == REGION}


def test_what_was_never_deployed_ends_in_plain_words(take_down: Taken) -> None:
    assert take_down(WRITE) == ["write: there is no stack twofold-write"]
    assert take_down(ACCOUNTS) == ["accounts: there is no stack twofold-accounts"]


def test_the_books_stay_and_what_is_made_of_them_goes(
    cloud: Cloud, make: Maker, take_down: Taken
) -> None:
    up(make)
    cloud.make_table(f"{BALANCES}_b")

    assert f"  deleted: the table {BALANCES}_b" in take_down(ACCOUNTS)
    assert f"  kept: the table {EVENTS}" in take_down(WRITE)

    assert names(cloud) == {EVENTS, KEYS}
    assert cloud.table(EVENTS)["DeletionProtectionEnabled"]


@pytest.mark.parametrize("before", ["ACTIVE", "ENABLING", "DISABLED", ""])
def test_a_kept_event_table_feeds_no_kinesis_stream_that_is_deleted(
    cloud: Cloud, make: Maker, take_down: Taken, before: str
) -> None:
    stage = replace(WRITE, variables={**WRITE.variables, "TWOFOLD_KINESIS_STREAM": EVENTS})
    template = writing()
    template["Resources"]["EventsKinesis"] = {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {"Name": EVENTS},
    }
    made = make(stage, template)
    made.bring_up()
    made.finish()
    ours, other = (f"arn:aws:kinesis:{REGION}:1:stream/{name}" for name in (EVENTS, "of-others"))
    assert cloud.table(EVENTS)["Kinesis"] == {ours: "ACTIVE"}
    cloud.table(EVENTS)["Kinesis"] = {**({ours: before} if before else {}), other: "ACTIVE"}

    take_down(stage)

    after = cloud.table(EVENTS)["Kinesis"]
    assert after == {**({ours: "DISABLED"} if before else {}), other: "ACTIVE"}
    again = make(stage, template)
    assert again.bring_up().adopted == (EVENTS, KEYS)
    again.finish()
    assert cloud.table(EVENTS)["Kinesis"] == {ours: "ACTIVE", other: "ACTIVE"}


def test_the_books_go_on_request(cloud: Cloud, make: Maker, take_down: Taken) -> None:
    up(make)
    take_down(ACCOUNTS, with_books=True)
    take_down(WRITE, with_books=True)
    assert names(cloud) == set()


def test_a_stage_that_was_half_deployed_is_taken_down(
    cloud: Cloud, make: Maker, take_down: Taken
) -> None:
    up(make)
    del cloud.tables[BALANCES, REGION]
    assert take_down(ACCOUNTS) == [
        "accounts: the stack twofold-accounts (UPDATE_COMPLETE) is deleted"
    ]
    cloud.make_table(BALANCES)  # And a table without its stack.
    assert take_down(ACCOUNTS)[1:] == [f"  deleted: the table {BALANCES}"]


def test_a_plan_says_the_same_and_does_nothing(cloud: Cloud, make: Maker, take_down: Taken) -> None:
    up(make)
    cloud.calls.clear()

    planned = take_down(WRITE, plan=True) + take_down(ACCOUNTS, plan=True)

    assert set(cloud.calls) == {"describe_stacks", "describe_table"}
    assert planned == take_down(WRITE) + take_down(ACCOUNTS)


def with_copy(cloud: Cloud, name: str) -> None:
    """A copy of a table in another region, protected by itself."""
    cloud.table(name)["Replicas"] = [{"RegionName": REGION}, {"RegionName": THERE}]
    cloud.make_table(name, THERE, protected=True)


def test_copies_in_other_regions_are_named_and_stay(
    cloud: Cloud, make: Maker, take_down: Taken
) -> None:
    up(make)
    with_copy(cloud, BALANCES)

    said = "\n".join(take_down(ACCOUNTS))

    assert f"kept: the copies of {BALANCES} in {THERE}" in said
    assert "--replicas deletes them" in said
    assert cloud.table(BALANCES, THERE)["DeletionProtectionEnabled"]


def test_copies_in_other_regions_are_deleted_on_request(
    cloud: Cloud, make: Maker, take_down: Taken
) -> None:
    up(make)
    with_copy(cloud, BALANCES)
    with_copy(cloud, KEYS)

    take_down(ACCOUNTS, with_copies=True)
    take_down(WRITE, with_copies=True)

    assert not [name for name, region in cloud.tables if region == THERE]
    assert cloud.table(KEYS)["DeletionProtectionEnabled"], "the keys themselves are kept"


def test_which_tables_serve_is_forgotten_for_the_stage_only(
    cloud: Cloud, make: Maker, take_down: Taken
) -> None:
    up(make)
    cloud.make_table(POINTERS, items=2)  # One of accounts, one of another stage.

    take_down(ACCOUNTS)
    assert cloud.table(POINTERS)["items"] == 1

    take_down(ACCOUNTS)
    assert POINTERS not in names(cloud)


@pytest.mark.parametrize(
    ("stage", "books", "others"),
    [
        ("write", ["twofold-prod-events", "twofold-prod-keys"], ["twofold-prod-inbox"]),
        (
            "accounts",
            [],
            ["twofold-prod-balances", "twofold-prod-balances_b", "twofold-prod-accounts_parked"],
        ),
    ],
)
def test_a_stages_tables_are_those_of_its_template_and_their_second_ones(
    stage: str, books: Sequence[Any], others: Sequence[Any]
) -> None:
    found = tables_of(stage_named(stage))
    assert found.books == books
    assert set(others) <= set(found.others)
    assert bool(found.others) == bool(others)
    assert found.pointers == "twofold-prod-generations"
