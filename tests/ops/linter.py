"""Linter: AWS's cfn-lint. It is imported where a test uses it, since that takes seconds."""

from collections.abc import Sequence
from functools import cache
from typing import Any


@cache
def _rules() -> Any:
    """All rules: `cfnlint.api.lint` loads them anew for each template, even if given some."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn()).rules


def faults(template: str, regions: Sequence[str], *, notes: bool = False) -> list[Any]:
    """The errors and warnings in a template in these regions, with `notes` the rest too.

    A fault has `rule.id`, `message` and `path`.
    """
    from cfnlint.config import ConfigMixIn
    from cfnlint.decode.decode import decode_str
    from cfnlint.runner import run_template_by_data

    decoded, errors = decode_str(template)
    config = ConfigMixIn(regions=list(regions), **({"include_checks": ["I"]} if notes else {}))
    return [*errors, *([] if errors else run_template_by_data(decoded, config, _rules()))]


def said(found: Sequence[Any]) -> list[str]:
    """Faults in words: the rule and what it says."""
    return [f"{fault.rule.id} {fault.message}" for fault in found]
