"""The pages with commands are pasted into a shell as they stand, and their output is compared.

A page has its commands in blocks of `sh`, and what they print in a block of `json` or `text` below.
JSON is shown in part: each member that is shown must be as it is, and `…` stands for any text. Each
block gets a shell with the variables that the blocks before have set; a block that shows nothing
below it only sets variables. Other blocks, such as `console`, are not pasted.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.problem_types import PROBLEM_TYPES
from tests.engines import ROOT
from tests.local.server import steady_server

ADDRESS = "http://127.0.0.1:8000"
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.md"))
HOME = ROOT / "docs" / "index.md"
PAGES = [ROOT / "README.md", HOME, ROOT / "docs" / "concepts.md", *RECIPES[1:]]
PATIENCE_SECONDS = 20
"""How long reads that do not name a version are repeated until they show what was written."""

_BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIABLES = re.compile(r"([A-Z]+=.*\n)*")
_NOON = "#!/bin/sh\necho 1764158400\n"
"""The time on the clock of the shell: holds until midnight do not expire while a test runs."""

_CURLRC = "retry = 20\nretry-delay = 1\n"
"""curl asks again after a 503: a slow machine may project later than a read waits."""


@dataclass(frozen=True)
class Step:
    """What is pasted at once, and what it should print: a text, or JSON documents in part."""

    commands: str
    shown: list[Any] | str

    @property
    def only_reads(self) -> bool:
        """Whether it may be pasted again until it shows what was written."""
        return " -d " not in self.commands and "-X" not in self.commands


def steps(page: Path) -> list[Step]:
    """The steps of a page, in order."""
    found, prepared = [], ""
    blocks = _BLOCK.findall(page.read_text())
    for (kind, commands), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind != "sh":
            continue
        variables = _VARIABLES.match(commands)
        assert variables is not None
        if next_kind in ("json", "text"):
            output = documents(shown) if next_kind == "json" else shown.strip()
            found.append(Step(prepared + commands, output))
        else:
            assert variables[0] == commands, f"Its output is not shown: {commands}"
        prepared += variables[0]
    return found


def documents(text: str) -> list[Any]:
    """The JSON documents that follow each other in a text."""
    found, text = [], text.strip()
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


def differences(shown: Any, printed: Any, where: str = "") -> Iterator[str]:
    """Where the documents that are shown say something else than those that were printed."""
    match shown, printed:
        case dict(), dict():
            for name, value in shown.items():
                yield from differences(value, printed.get(name), f"{where}.{name}")
        case list(), list() if len(shown) == len(printed):
            for index, (value, other) in enumerate(zip(shown, printed, strict=True)):
                yield from differences(value, other, f"{where}[{index}]")
        case "…", str():
            pass
        case _ if shown != printed:
            yield f"{where}: {printed!r}, and not {shown!r}"


def pasted(step: Step, server: str, path: Path) -> str:
    """What a shell prints."""
    done = subprocess.run(
        ["bash", "-c", step.commands.replace(ADDRESS, server)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "CURL_HOME": str(path)},
    )
    return done.stdout.replace("\r", "").strip()


def wrong_with(step: Step, printed: str) -> list[str]:
    """What was printed and should not have been."""
    if isinstance(step.shown, str):
        return [] if printed == step.shown else [f"{printed!r}, and not {step.shown!r}"]
    answers = [each for each in documents(printed) if each.get("code") != "projection_behind"]
    return list(differences(step.shown, answers))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that the pages share, each with a ledger of its own."""
    with steady_server(tmp_path_factory.mktemp("project")) as url:
        yield url


@pytest.fixture(scope="module")
def clock_at_noon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `date` that always says the same, and with settings of curl."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "date").write_text(_NOON)
    (folder / "date").chmod(0o755)
    (folder / ".curlrc").write_text(_CURLRC)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_printed_when_its_commands_are_pasted(
    page: Path, server: str, clock_at_noon: Path
) -> None:
    found = steps(page)
    assert len(found) >= (1 if page == HOME else 4)
    for step in found:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while wrong := wrong_with(step, pasted(step, server, clock_at_noon)):
            late = not step.only_reads or time.monotonic() > deadline
            assert not late, f"{step.commands}\n" + "\n".join(wrong)
            time.sleep(0.1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_fit_in_a_terminal_and_work_with_an_older_curl(page: Path) -> None:
    for kind, block in _BLOCK.findall(page.read_text()):
        assert all(len(line) <= 100 for line in block.splitlines()), block
        # Without `--json` and `%header{}`, Ubuntu 22.04's curl 7.81 is enough; a comment or an
        # exclamation mark that is pasted would mean something else to an interactive shell.
        assert kind != "sh" or not re.search(r"--json|%header|^#|!", block, re.MULTILINE), block


@pytest.mark.parametrize("page", RECIPES[1:], ids=lambda page: page.stem)
def test_a_recipe_names_errors_that_exist_and_is_in_the_index(page: Path) -> None:
    linked = set(re.findall(r"\(\.\./problems/([a-z_]+)\.md\)", page.read_text()))

    assert linked
    assert linked <= PROBLEM_TYPES.keys()
    assert f"]({page.name})" in RECIPES[0].read_text()


def test_the_recipes_begin_with_their_index() -> None:
    assert RECIPES[0].name == "README.md"
    assert len(RECIPES) > 9


def test_a_difference_is_found_wherever_it_is() -> None:
    shown = documents('{"a": [{"b": "1", "at": "…"}]} {"c": null}')

    assert list(differences(shown, documents('{"a":[{"b":"1","at":"x","z":0}]}{"c":null}'))) == []
    for other in ('{"a":[{"b":"2","at":"x"}]}{"c":null}', '{"a":[]}{"c":null}', '{"a":[]}'):
        assert list(differences(shown, documents(other)))
