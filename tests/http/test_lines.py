"""The contract, line by line: `lines.txt` says what holds each; here, that all of that exists."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def lines() -> dict[str, list[str]]:
    """Each line of the contract with the names of its tests, which stand indented below it."""
    found: dict[str, list[str]] = {}
    for text in (FOLDER / "lines.txt").read_text().splitlines():
        if text.startswith("    "):
            found[[*found][-1]].append(text.strip())
        elif text and not text.startswith("#"):
            assert text not in found, f"{text} is there twice"
            found[text] = []
    return found


def sentences(file: str) -> set[str]:
    """The tests of a file."""
    tree = ast.parse((FOLDER / f"test_{file}.py").read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name.removeprefix("test_") for name in names if name.startswith("test_")}


@pytest.mark.parametrize(("line", "tests"), lines().items())
def test_a_line_of_the_contract_is_held_by_tests_that_exist(line: str, tests: list[str]) -> None:
    assert tests, f"nothing holds {line}"
    for name in tests:
        file, _, sentence = name.partition("/")
        assert sentence in sentences(file), f"{name}, which holds {line}, is gone"
