"""The model against the Write API on the store in memory."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine
from tests.soak import examples


def test_the_ledger_answers_as_the_model_does(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples(40, 400), stateful_step_count=40, deadline=None),
    )
