"""Pages: the commands of a document, which tests run as they stand."""

import re

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

ON_AWS = "# on AWS"
"""The comment after a command that cannot be run on an emulator."""


def commands_of(page: str) -> list[str]:
    """The lines of a page's `console` blocks, in their order; a backslash continues a line."""
    blocks = [block.replace("\\\n", " ") for block in _CONSOLE.findall(page)]
    return [line for block in blocks for line in block.splitlines()]


def commands_elsewhere(page: str) -> list[str]:
    """The lines that look like commands and are not in a `console` block."""
    rest = _CONSOLE.sub("", page)
    return re.findall(r"^(?:make|twofold|\.venv/bin/|curl|python) ?.*$", rest, re.MULTILINE)
