"""`chalice local` and its engine: its own, another's, one that two servers share, or none."""

import subprocess
from pathlib import Path

import pytest

from tests.engines import free_port
from tests.local.books import (
    assert_the_flow_works,
    assert_trial_balance,
    open_accounts,
    post,
    seen_by,
    transfer,
)
from tests.local.server import CHALICE, Server, chalice_local, end_all, environment, processes


def test_an_engine_that_the_environment_names_is_used_and_none_is_started(
    project: Path, tmp_path: Path, ministack_endpoint: str, ledger: str
) -> None:
    home = tmp_path / "home"
    with chalice_local(project, home, AWS_ENDPOINT_URL_DYNAMODB=ministack_endpoint) as server:
        server.start()

        assert_the_flow_works(server, ledger)
        assert server.engine() is None
        assert not home.exists()
        assert len(processes(home)) == 2, "only the server and its worker"


def test_a_second_server_of_the_project_shares_the_engine_and_keeps_it_alive(
    server: Server,
) -> None:
    with chalice_local(server.project, server.home) as second:
        for each in (server, second):
            each.options.append("--no-autoreload")
        server.start()
        open_accounts(server, "acme")
        post(server, "acme", "from-the-first", 100)
        second.start()
        engine = second.engine()
        post(second, "acme", "from-the-second", 20)

        server.interrupt()

        post(second, "acme", "alone", 3)
        assert_trial_balance(second, "acme", 123)
        assert second.engine() == engine
        second.interrupt()
        assert second.is_gone(), processes(second.home)


def test_two_servers_of_an_engine_that_the_environment_names_have_the_same_books(
    project: Path, tmp_path: Path, ministack_endpoint: str, ledger: str
) -> None:
    first_home, second_home = tmp_path / "first", tmp_path / "second"
    endpoint = {"AWS_ENDPOINT_URL_DYNAMODB": ministack_endpoint}
    with (
        chalice_local(project, first_home, **endpoint) as first,
        chalice_local(project, second_home, **endpoint) as second,
    ):
        for each in (first, second):
            each.options.append("--no-autoreload")
        first.launch()
        second.start()
        first.wait_until_up()
        open_accounts(first, ledger)

        posted = [
            post(server, ledger, f"t-{number}", 10)
            for number, server in enumerate([first, second] * 5)
        ]

        newest = max(map(seen_by, posted))
        for server in (first, second):
            again = server.post(f"/ledgers/{ledger}/transactions", transfer("t-0", 10))
            assert (again.status, again.body) == (200, posted[0])
            alice = f"/ledgers/{ledger}/accounts/customers:alice?min_version={newest}"
            assert server.read(alice)["posted"] == "100"
            assert_trial_balance(server, ledger, 100)


@pytest.mark.parametrize("reloading", ["--autoreload", "--no-autoreload"])
def test_an_engine_that_cannot_start_ends_the_server_with_what_to_do(
    project: Path, tmp_path: Path, reloading: str
) -> None:
    home, broken = tmp_path / "home", tmp_path / "broken" / "ministack"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('ministack is broken')")

    try:
        ended = subprocess.run(
            [CHALICE, "local", "--port", str(free_port()), reloading],
            cwd=project,
            env=environment(home, PYTHONPATH=str(broken.parent)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        end_all(home)

    assert "`make run`" in ended.stderr
    assert "AWS_ENDPOINT_URL_DYNAMODB" in ended.stderr
    assert "ministack is broken" in ended.stderr
    assert ended.returncode != 0
