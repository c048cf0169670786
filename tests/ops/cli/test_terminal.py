"""What a person sees: the list of commands, and progress bars on a terminal only."""

import io
import sys
from pathlib import Path

import pytest

from ops.bars import progress_bars
from ops.commands import EXIT_STATUSES, HIDDEN, SECTIONS
from ops.stages import PROJECT
from tests.ops.cli.calls import calls, run

SHOWN = {name: line for section in SECTIONS.values() for name, (_, line) in section.items()}


class Terminal(io.StringIO):
    """A standard error that says whether it is a terminal."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "ci", "shows"),
    [(True, "", True), (True, "true", False), (False, "", False)],
)
def test_progress_bars_are_drawn_on_a_terminal_only_and_never_in_ci(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, ci: str, shows: bool
) -> None:
    stderr = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("CI", ci)

    with progress_bars() as bars:
        bars("events", 10)(10)

    assert ("events: 100%" in stderr.getvalue()) == shows
    assert bool(stderr.getvalue()) == shows


def test_one_module_draws_progress_bars() -> None:
    drawing = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("ops", "chalicelib")
        for path in Path(PROJECT / folder).rglob("*.py")
        if "import tqdm" in path.read_text() or "from tqdm" in path.read_text()
    }
    assert drawing == {"ops/bars.py"}


def test_the_list_of_commands_has_each_in_one_line_of_80_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run(["--help"]).output
    lines = shown.splitlines()

    assert max(map(len, lines)) <= 80
    for name, words in SHOWN.items():
        assert sum(line.split() == [name, *words.split()] for line in lines) == 1, name
    for status, meaning in EXIT_STATUSES:
        assert any(line.split() == [status, *meaning.split()] for line in lines)
    assert not [name for name in HIDDEN if f"  {name} " in shown]


def test_every_command_and_option_says_what_it_does() -> None:
    for call in calls():
        assert (call.command.help or "").partition("\n")[0].strip(), call.name
        assert call.path[0] in {*SHOWN, *HIDDEN}
