"""Every match over classes ends with `assert_never`, so that mypy names a case that is missing."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("chalicelib", "ops", "simulator")

_ENTRIES = "only the events of entries matter to it; all others are passed over on purpose"
_ERRORS = "exceptions are an open set; the last case is any other"

OPEN = {
    "chalicelib/http/messages.py:unreadable": _ERRORS,
    "chalicelib/http/messages.py:_malformed": _ERRORS,
    "ops/errors.py:in_words": _ERRORS,
    "ops/auditing/assertions.py:of_account": _ENTRIES,
    "ops/auditing/rules.py:take": _ENTRIES,
    "ops/restoring/tears.py:_transaction_of": _ENTRIES,
    "ops/restoring/tears.py:_needs": _ENTRIES,
}
"""Functions with a match that is not over all of a union (`path:function`), and why."""


def unclosed(source: str) -> list[str]:
    """The functions with a match over classes that does not end with `case _: assert_never(…)`."""
    found = []
    for function, node in _matches(ast.parse(source), "module"):
        is_over_classes = any(_has_class(case.pattern) for case in node.cases)
        if is_over_classes and not _is_never(node.cases[-1]):
            found.append(function)
    return found


def _matches(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Match]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Match):
            yield function, child
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        yield from _matches(child, inside)


def _has_class(pattern: ast.pattern) -> bool:
    """Whether values are told apart by a class that is not a built-in type such as `str`."""
    classes = (node.cls for node in ast.walk(pattern) if isinstance(node, ast.MatchClass))
    return any(not (isinstance(one, ast.Name) and one.id.islower()) for one in classes)


def _is_never(case: ast.match_case) -> bool:
    is_wildcard = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
    body = case.body[0]
    return (
        is_wildcard
        and case.guard is None
        and isinstance(body, ast.Expr)
        and isinstance(body.value, ast.Call)
        and isinstance(body.value.func, ast.Name)
        and body.value.func.id == "assert_never"
    )


def test_every_match_over_a_union_has_all_its_cases() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{function}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for function in unclosed(path.read_text())
    }

    assert found - OPEN.keys() == set()


def test_a_match_that_lets_a_case_pass_is_found() -> None:
    head = "def f(event):\n    match event:\n        case Opened():\n            g()\n"

    assert unclosed(head) == ["f"]
    assert unclosed(f"{head}        case _:\n            raise ValueError\n") == ["f"]
    assert unclosed(f"{head}        case Closed(by=_) | Opened():\n            pass\n") == ["f"]
    assert unclosed(f"{head}        case _ if event:\n            assert_never(event)\n") == ["f"]
    assert unclosed(f"{head}        case _:\n            assert_never(event)\n") == []
    assert unclosed("match word:\n    case str(it):\n        pass\n") == []
    assert unclosed("match word:\n    case 'a':\n        pass\n") == []
