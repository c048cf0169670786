"""Filter patterns: which records an event source mapping sends to its function.

A pattern names fields of a record and lists rules for each. A record matches if each named field
satisfies at least one of its rules. ("Control which events Lambda sends to your function", AWS
Lambda Developer Guide, invocation-eventfiltering.)
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ABSENT = object()


def matches_any(record: Any, patterns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a record matches one of the patterns, or there are none."""
    return not patterns or any(matches(record, pattern) for pattern in patterns)


def matches(value: Any, pattern: Mapping[str, Any]) -> bool:
    """Whether a record, or a part of it, matches a pattern. Raises ValueError."""
    return all(_field_matches(value, name, rules) for name, rules in pattern.items())


def _field_matches(value: Any, name: str, rules: Any) -> bool:
    if name == "$or":
        return any(matches(value, pattern) for pattern in rules)
    found = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
    if isinstance(rules, Mapping):
        return matches(found, rules)
    if not isinstance(rules, list):
        raise ValueError(f"{name}: the rules of a field are a list")
    return any(_satisfies(found, rule) for rule in rules)


def _satisfies(found: Any, rule: Any) -> bool:
    """A rule is a value, or an operator with its operand: `{"prefix": "us-"}`."""
    if not isinstance(rule, Mapping):
        return _same(found, rule)
    [(name, operand)] = rule.items()
    if name not in _OPERATORS:
        raise ValueError(f"there is no operator {name}")
    return _OPERATORS[name](found, operand)


def _same(found: Any, value: Any) -> bool:
    """Whether two values are equal as JSON text: 300 is not 300.0, as in EventBridge."""
    return found is not _ABSENT and json.dumps(found) == json.dumps(value)


def _anything_but(found: Any, operand: Any) -> bool:
    if found is _ABSENT:
        return False
    if isinstance(operand, Mapping):
        return not _satisfies(found, operand)
    return not any(
        _same(found, each) for each in (operand if isinstance(operand, list) else [operand])
    )


def _numeric(found: Any, operand: Sequence[Any]) -> bool:
    """Numbers of DynamoDB items are strings in a record, and match no numeric rule."""
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[comparison](found, bound) for comparison, bound in pairs)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda found, operand: isinstance(found, str) and test(found, operand)


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "anything-but": _anything_but,
    "equals-ignore-case": _text(lambda found, operand: found.lower() == operand.lower()),
    "exists": lambda found, operand: (found is not _ABSENT) is operand,
    "numeric": _numeric,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
}
