"""An audit by several processes finds what one finds, though it is killed and begun again."""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.auditing.findings import Report
from ops.bars import Tick
from ops.verifying.read_models import READ_MODELS
from ops.workers import WorkerLost
from tests import engines
from tests.ops.audited import altered, another_byte, audited, delete, items, key_of, put
from tests.ops.forging import stored_events, undone
from tests.ops.test_tampering import ALONE, CHAINED, KINDS, Kind, tamper, write, written
from tests.soak import examples

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(scope="module", autouse=True)
def books() -> Iterator[None]:
    """The ledger that is tampered with, on moto, audited once."""
    with engines.moto():
        write()
        written.update(stored_events())
        assert audited().count == 0
        yield


def told(report: Report) -> tuple[Any, ...]:
    """All that an audit says, besides its times."""
    checkpoints = [(made.ledger, made.root, made.events) for made in report.checkpoints]
    return report.found, report.wrong, report.unsettled, report.ledgers, checkpoints


def both(**options: Any) -> tuple[Any, Any]:
    """What an audit by one process says, and what one by three says."""
    with undone():
        one = told(audited(segments=1, **options))
    with undone():
        three = told(audited(segments=6, processes=3, method="fork", **options))
    return one, three


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.what)
def test_three_processes_find_of_tampering_with_events_what_one_finds(kind: Kind) -> None:
    for reach in (ALONE, CHAINED)[:: examples(2, 1)]:
        with undone():
            tamper(kind, reach)
            one, three = both()

        assert one == three
        assert one[0]


def damage_rows() -> None:
    """Of each read model a row is altered, one is gone, and one is invented."""
    for model in READ_MODELS.values():
        rows = items(model.table)
        delete(model.table, rows[0])
        name = next((each for each in rows[-1] if each not in key_of(model.table, rows[-1])), None)
        more = altered(rows[-1], name, another_byte) if name else {**rows[-1], "more": {"S": "x"}}
        put(model.table, more)
        key = list(key_of(model.table, rows[0]))[-1]
        put(model.table, altered(rows[0], key, lambda value: f"{value}x"))


def test_three_processes_find_of_tampering_with_rows_what_one_finds() -> None:
    with undone():
        damage_rows()
        one, three = both()

    assert one == three
    assert {finding.where.split()[0] for finding in one[0]} == READ_MODELS.keys()


class Killer:
    """Kills one of an audit's processes when a number of tasks is done; no more than `kills`."""

    def __init__(self, seed: int, kills: int) -> None:
        self._random = random.Random(seed)
        self.kills = kills
        self._left = self._random.randrange(1, 12)

    def bars(self, _: str, __: int | None) -> Tick:
        return self._tick

    def _tick(self, _: int) -> None:
        self._left -= 1
        workers = multiprocessing.active_children()
        if self._left <= 0 and self.kills and workers:
            self.kills -= 1
            self._left = self._random.randrange(1, 12)
            victim = self._random.choice(workers)
            os.kill(victim.pid or 0, signal.SIGKILL)
            victim.join()


@pytest.mark.parametrize("seed", range(examples(3, 30)))
def test_an_audit_of_which_workers_are_killed_ends_with_an_error_and_then_finds_the_same(
    seed: int, tmp_path: Path
) -> None:
    with undone():
        tamper(KINDS[seed % len(KINDS)], ALONE)
        damage_rows()
        with undone():
            one = told(audited())
        killer, lost = Killer(seed, 3), 0
        for _ in range(10):
            try:
                report = audited(
                    segments=6,
                    processes=3,
                    method="fork",
                    folder=tmp_path / "audit",
                    bars=killer.bars,
                )
            except WorkerLost:
                lost += 1
            else:
                break

    went_on = [each for each in report.notes if each.startswith("continued the audit")]
    assert lost > 0
    assert len(went_on) == 1
    assert told(report) == one
    assert not (tmp_path / "audit").exists()
