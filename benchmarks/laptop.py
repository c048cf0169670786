"""Part 10, the laptop: writes through `chalice local`, as `make run` starts it."""

import http
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks import results
from tests.engines import ROOT, free_port, wait_until_up

CLIENTS = (1, 8)
OWN, HOT = "accounts of their own", "one limited account"
KINDS = (OWN, HOT)
"""What the clients pay from: each from an account that no other one uses, or all from the same."""

_SECONDS, _QUICK_SECONDS, _WARM_SECONDS = 10.0, 2.0, 3.0
_LEDGER = "/ledgers/bench"
_FUNDS = "1000000000"
_HEADERS = {"Content-Type": "application/json"}


@dataclass
class Seen:
    """What a client saw: how many writes were refused, and the seconds of each accepted one."""

    refused: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Laptop:
    """A running server, its process, and that of its engine."""

    port: int
    server: psutil.Process
    engine: psutil.Process


def run(*, quick: bool) -> None:
    """Measures a server of this tree with a home of its own."""
    seconds = _QUICK_SECONDS if quick else _SECONDS
    with started() as laptop:
        open_accounts(laptop.port)
        for kind in KINDS:  # A fresh process is slow at first.
            send(laptop.port, kind, max(CLIENTS), _WARM_SECONDS, f"warm-{kind}")
        rows = []
        for kind in KINDS:
            for clients in CLIENTS:
                results.say(f"laptop: {kind}, {clients} clients")
                rows.append(measured(laptop, kind, clients, seconds))
    results.save("laptop", quick=quick, engine="ministack", seconds=seconds, rows=rows)


@contextmanager
def started() -> Iterator[Laptop]:
    """A server without reloader, on a free port, which ends with the block, as its data do."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        command = [str(Path(sys.executable).with_name("chalice")), "local", "--no-autoreload"]
        log = Path(home) / "server.log"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # Our own words.
                [*command, "--port", str(port)],
                cwd=ROOT,
                env={**kept, "TWOFOLD_HOME": home, "TWOFOLD_AUTH": "none"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until_up(f"http://127.0.0.1:{port}/health", process)
            [record] = Path(home).rglob("engine.json")
            engine = psutil.Process(json.loads(record.read_text())["pid"])
            yield Laptop(port, psutil.Process(process.pid), engine)
        finally:
            process.terminate()
            process.wait(60)  # The engine has saved its data by then.


def open_accounts(port: int) -> None:
    """The funded accounts that the clients pay from, and those that they pay into."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    payers = ["pot", *(f"payer-{number}" for number in range(max(CLIENTS)))]
    payees = [f"payee-{number}" for number in range(max(CLIENTS))]
    bank = {"id": "bank", "asset": "USD/2", "normal_balance": "debit", "min_balance": None}
    accounts = [{"id": id, "asset": "USD/2", "normal_balance": "credit"} for id in payers + payees]
    for body in (bank, *accounts):
        _must(client, f"{_LEDGER}/accounts", body)
    for payer in payers:
        _must(client, f"{_LEDGER}/transactions", _transfer(f"fund-{payer}", "bank", payer, _FUNDS))
    client.close()


def measured(laptop: Laptop, kind: str, clients: int, seconds: float) -> dict[str, Any]:
    """A row: what so many clients saw, and the CPU time of both processes for each write.

    That of projecting the last writes, after the clients have ended, is not in it.
    """
    processes = (laptop.server, laptop.engine)
    before, began = [_cpu(process) for process in processes], time.monotonic()
    seen = send(laptop.port, kind, clients, seconds, f"{kind}-{clients}")
    took = time.monotonic() - began
    server, engine = (_cpu(one) - then for one, then in zip(processes, before, strict=True))
    latencies = [1000 * each for one in seen for each in one.seconds]
    done = max(1, len(latencies))
    return {
        "kind": kind,
        "clients": clients,
        "done": len(latencies),
        "refused": sum(one.refused for one in seen),
        "per_second": len(latencies) / took,
        "p50": results.percentile(latencies, 0.5),
        "p99": results.percentile(latencies, 0.99),
        "server_cpu_ms": 1000 * server / done,
        "engine_cpu_ms": 1000 * engine / done,
    }


def send(port: int, kind: str, clients: int, seconds: float, name: str) -> Sequence[Seen]:
    """What each of so many clients saw, which wrote as fast as they were answered."""
    with ThreadPoolExecutor(clients) as pool:
        until = time.monotonic() + seconds
        working = [pool.submit(_work, port, kind, each, until, name) for each in range(clients)]
        return [each.result() for each in working]


def _work(port: int, kind: str, number: int, until: float, name: str) -> Seen:
    """One client, over one connection, until a time by the monotonic clock."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    payer = "pot" if kind == HOT else f"payer-{number}"
    prefix, count, seen = f"{name}-{number}".replace(" ", "-"), 0, Seen()
    while (began := time.monotonic()) < until:
        count += 1
        body = _transfer(f"{prefix}-{count}", payer, f"payee-{number}", "1")
        if _post(client, f"{_LEDGER}/transactions", body) == http.HTTPStatus.CREATED:
            seen.seconds.append(time.monotonic() - began)
        else:
            seen.refused += 1
    client.close()
    return seen


def _transfer(id: str, payer: str, payee: str, amount: str) -> dict[str, Any]:
    sides = {"debit": payer, "credit": payee}
    return {
        "id": id,
        "entries": [
            {"account": account, "direction": direction, "amount": amount}
            for direction, account in sides.items()
        ],
    }


def _post(client: http.client.HTTPConnection, path: str, body: Any) -> int:
    client.request("POST", path, json.dumps(body), _HEADERS)
    answer = client.getresponse()
    answer.read()
    return answer.status


def _must(client: http.client.HTTPConnection, path: str, body: Any) -> None:
    status = _post(client, path, body)
    if status != http.HTTPStatus.CREATED:
        raise RuntimeError(f"POST {path} was answered {status}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
