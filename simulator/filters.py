"""Filters: which records an event source mapping sends to its function.

A pattern names fields of a record and, for each, the rules of which its value must satisfy one.
Fields that a pattern does not name do not matter; all those that it names must match. ("Control
which events Lambda sends to your function", AWS Lambda Developer Guide, invocation-eventfiltering.)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rule = Any
"""A value that is to be equalled, or an operator: `{"prefix": "us-"}`."""

_ABSENT = object()


def wanted(record: Any, patterns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a record satisfies one of the patterns, or there are none."""
    return not patterns or any(matches(record, pattern) for pattern in patterns)


def matches(value: Any, pattern: Mapping[str, Any]) -> bool:
    """Whether a record, or a part of it, satisfies a pattern. Raises ValueError for no rule."""
    return all(_field_matches(value, name, wants) for name, wants in pattern.items())


def _field_matches(value: Any, name: str, wants: Any) -> bool:
    if name == "$or":
        return any(matches(value, pattern) for pattern in wants)
    found = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(wants, Mapping):
        return matches(found, wants)
    if not isinstance(wants, list):
        raise ValueError(f"{name}: the rules of a field are a list")
    return any(_rule_matches(found, rule) for rule in wants)


def _rule_matches(found: Any, rule: Rule) -> bool:
    if not isinstance(rule, Mapping):
        return _same(found, rule)
    [(operator, operand)] = rule.items()
    if operator not in _OPERATORS:
        raise ValueError(f"there is no operator {operator}")
    return _OPERATORS[operator](found, operand)


def _same(found: Any, wants: Any) -> bool:
    """Equal as written, since numbers too are compared as text: 300 is not 300.0."""
    return found is not _ABSENT and json.dumps(found) == json.dumps(wants)


def _anything_but(found: Any, operand: Any) -> bool:
    if found is _ABSENT:
        return False
    if isinstance(operand, Mapping):
        return not _rule_matches(found, operand)
    return not any(_same(found, each) for each in _listed(operand))


def _numeric(found: Any, operand: Sequence[Any]) -> bool:
    """DynamoDB's own numbers are text in a record, which no numeric rule matches."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[comparison](found, bound) for comparison, bound in pairs)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, operand: isinstance(found, str) and test(found, operand)


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda found, bound: found == bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
}

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _text(lambda found, operand: found.lower() == operand.lower()),
    "exists": lambda found, operand: (found is not _ABSENT) is operand,
    "numeric": _numeric,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
}
