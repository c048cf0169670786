"""Commands that are throttled: they wait for a leader, where there is one."""

import pytest

from chalicelib.commands.combining.inbox import Lease
from chalicelib.events.store import Busy
from tests.commands.combining.test_leading import ALICE, InterruptedInbox, executed, pay
from tests.commands.executor_fixture import ExecutorFixture
from tests.domain.books import NOW
from tests.memory_inbox import MemoryInbox


def throttled() -> None:
    raise Busy("ThrottlingException")


@pytest.mark.parametrize("is_led", [True, False])
def test_a_throttled_command_waits_in_the_inbox_only_of_an_account_that_has_a_leader(
    fixture: ExecutorFixture, is_led: bool
) -> None:
    fixture.open_accounts(funds=100)
    fixture.store.before_append = [throttled]
    inbox = InterruptedInbox()
    MemoryInbox.__init__(inbox, fixture.books)
    if is_led:
        inbox.leases[ALICE] = Lease(owner="another", epoch=4, until=NOW.timestamp() + 60)

    done = executed(fixture, inbox, pay("a", 1), request="mine")

    assert done.recorded.command_id == "mine"
    # That leader is not heard of, so after a while the client leads instead.
    assert len(inbox.commits) == is_led
    assert inbox.stored == {}
